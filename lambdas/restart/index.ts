import { brakeStore } from '../adapters/brake-store.ts';
import { ec2Health } from '../adapters/ec2-health.ts';
import { ec2Power, openEc2Power } from '../adapters/ec2-power.ts';
import { ec2Probe } from '../adapters/ec2-probe.ts';
import { events, openEventBridge } from '../adapters/events.ts';
import { ledger } from '../adapters/ledger.ts';
import { openSqs, queues } from '../adapters/queues.ts';
import { receiptStore } from '../adapters/receipt-store.ts';
import { restartEnds } from '../adapters/restart-ends.ts';
import { watch, watchedPower, watchedProbe } from '../adapters/watched-ec2.ts';
import { workspaceStore } from '../adapters/workspace-store.ts';
import { requireEnv } from '../runtime/env.ts';
import { queueHandler } from '../runtime/sqs-batch.ts';
import { startFunction } from '../runtime/start.ts';
import { restartMessage } from '../schemas/messages.ts';
import type { RestartPorts } from './finish.ts';
import { handleRestarts } from './handle.ts';

const { telemetry, log, clock, ids, table, settings } = startFunction();
const sqs = openSqs();
const health = ec2Health(table, log);
const watching = watch(health, clock);
const ports: RestartPorts = {
  clock,
  ids,
  log,
  settings,
  workspaces: workspaceStore(table),
  ledger: ledger(table),
  brake: brakeStore(table),
  ec2Health: health,
  receipts: receiptStore(table),
  restartEnds: restartEnds(table),
  queues: queues(sqs, { parked: requireEnv('parkedQueueUrl') }),
  ec2: watchedProbe(ec2Probe(log), watching),
  power: watchedPower(ec2Power(openEc2Power()), watching),
  events: events(openEventBridge(), requireEnv('busName'), log),
};

export const handler = queueHandler({
  telemetry,
  sqs,
  queueUrl: requireEnv('restartQueueUrl'),
  deadLetterUrl: requireEnv('restartDlqUrl'),
  schema: restartMessage,
  handle: (messages) => handleRestarts(messages, ports),
});
