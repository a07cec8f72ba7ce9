import { brakeStore } from '../adapters/brake-store.ts';
import { deadLetters } from '../adapters/dead-letters.ts';
import { ec2Health } from '../adapters/ec2-health.ts';
import { ec2Probe } from '../adapters/ec2-probe.ts';
import { events, openEventBridge } from '../adapters/events.ts';
import { ledger } from '../adapters/ledger.ts';
import { openSqs, queues } from '../adapters/queues.ts';
import { receiptStore } from '../adapters/receipt-store.ts';
import { registry } from '../adapters/registry.ts';
import { watch, watchedProbe } from '../adapters/watched-ec2.ts';
import { workspaceStore } from '../adapters/workspace-store.ts';
import { listEnv, requireEnv } from '../runtime/env.ts';
import { apiHandler } from '../runtime/http.ts';
import { startFunction } from '../runtime/start.ts';
import { handleOperate } from './handle.ts';
import type { RedrivePorts } from './redrive.ts';

const { telemetry, log, clock, ids, table, settings } = startFunction();
const ports: RedrivePorts = {
  clock,
  ids,
  log,
  settings,
  workspaces: workspaceStore(table),
  registry: registry(table),
  receipts: receiptStore(table),
  ledger: ledger(table),
  deadLetters: deadLetters(table),
  brake: brakeStore(table),
  queues: queues(openSqs(), { restart: requireEnv('restartQueueUrl'), parked: requireEnv('parkedQueueUrl') }),
  ec2: watchedProbe(ec2Probe(log), watch(ec2Health(table, log), clock)),
  events: events(openEventBridge(), requireEnv('busName'), log),
  workspaceTag: JSON.parse(requireEnv('workspaceTag')) as RedrivePorts['workspaceTag'],
  operatorRoles: listEnv('operatorRoles'),
  reporterRoles: listEnv('reporterRoles'),
};

export const handler = apiHandler(telemetry, clock, async (call) => handleOperate(call, ports));
