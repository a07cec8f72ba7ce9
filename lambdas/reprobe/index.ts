import { ec2Health } from '../adapters/ec2-health.ts';
import { ec2Probe } from '../adapters/ec2-probe.ts';
import { events, openEventBridge } from '../adapters/events.ts';
import { ledger } from '../adapters/ledger.ts';
import { openSqs, queues } from '../adapters/queues.ts';
import { receiptStore } from '../adapters/receipt-store.ts';
import { watch, watchedProbe } from '../adapters/watched-ec2.ts';
import { workspaceStore } from '../adapters/workspace-store.ts';
import { requireEnv } from '../runtime/env.ts';
import { queueHandler } from '../runtime/sqs-batch.ts';
import { startFunction } from '../runtime/start.ts';
import { reprobeMessage } from '../schemas/messages.ts';
import type { ReprobePorts } from './finalise.ts';
import { handleReprobes } from './handle.ts';

const { telemetry, log, clock, ids, table, settings } = startFunction();
const sqs = openSqs();
const ports: ReprobePorts = {
  clock,
  ids,
  log,
  settings,
  workspaces: workspaceStore(table),
  receipts: receiptStore(table),
  ledger: ledger(table),
  queues: queues(sqs, { restart: requireEnv('restartQueueUrl'), parked: requireEnv('parkedQueueUrl') }),
  ec2: watchedProbe(ec2Probe(log), watch(ec2Health(table, log), clock)),
  events: events(openEventBridge(), requireEnv('busName'), log),
};

export const handler = queueHandler({
  telemetry,
  sqs,
  queueUrl: requireEnv('reprobeQueueUrl'),
  deadLetterUrl: requireEnv('reprobeDlqUrl'),
  schema: reprobeMessage,
  handle: (messages) => handleReprobes(messages, ports),
});
