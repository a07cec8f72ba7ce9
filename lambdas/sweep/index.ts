import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { brakeStore } from '../adapters/brake-store.ts';
import { dueWork } from '../adapters/due-work.ts';
import { ec2Health } from '../adapters/ec2-health.ts';
import { events, openEventBridge } from '../adapters/events.ts';
import { ledger } from '../adapters/ledger.ts';
import { openSqs, queues } from '../adapters/queues.ts';
import { restartEnds } from '../adapters/restart-ends.ts';
import { workspaceStore } from '../adapters/workspace-store.ts';
import { requireEnv } from '../runtime/env.ts';
import { startFunction } from '../runtime/start.ts';
import { handleSweep, type SweepPorts } from './handle.ts';

const { telemetry, log, clock, table, settings } = startFunction();
const ports: SweepPorts = {
  clock,
  log,
  settings,
  due: dueWork(table),
  workspaces: workspaceStore(table),
  ledger: ledger(table),
  restartEnds: restartEnds(table),
  queues: queues(openSqs(), {
    reprobe: requireEnv('reprobeQueueUrl'),
    restart: requireEnv('restartQueueUrl'),
    parked: requireEnv('parkedQueueUrl'),
  }),
  brake: brakeStore(table),
  ec2Health: ec2Health(table, log),
  events: events(openEventBridge(), requireEnv('busName'), log),
};

export const handler = middy()
  .use(injectLambdaContext(telemetry.logger))
  .handler(async () => handleSweep(ports));
