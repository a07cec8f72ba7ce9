import { agentHttp } from '../adapters/agent-http.ts';
import { deadLetters } from '../adapters/dead-letters.ts';
import { ec2Health } from '../adapters/ec2-health.ts';
import { ec2Probe } from '../adapters/ec2-probe.ts';
import { events, openEventBridge } from '../adapters/events.ts';
import { ledger } from '../adapters/ledger.ts';
import { openSqs, queues } from '../adapters/queues.ts';
import { receiptStore } from '../adapters/receipt-store.ts';
import { watch, watchedProbe } from '../adapters/watched-ec2.ts';
import { workspaceStore } from '../adapters/workspace-store.ts';
import { listEnv, optionalEnv, requireEnv } from '../runtime/env.ts';
import { queueHandler } from '../runtime/sqs-batch.ts';
import { startFunction } from '../runtime/start.ts';
import { deliveryMessage } from '../schemas/messages.ts';
import type { DeliverPorts } from './end.ts';
import { handleHandedOn } from './handed-on.ts';

const { telemetry, log, clock, ids, table, settings } = startFunction();
const sqs = openSqs();
const localAddress = optionalEnv('localAddress');
const ports: DeliverPorts = {
  clock,
  ids,
  log,
  settings,
  workspaces: workspaceStore(table),
  receipts: receiptStore(table),
  ledger: ledger(table),
  deadLetters: deadLetters(table),
  queues: queues(sqs, { reprobe: requireEnv('reprobeQueueUrl'), parked: requireEnv('parkedQueueUrl') }),
  ec2: watchedProbe(ec2Probe(log), watch(ec2Health(table, log), clock)),
  agents: agentHttp(),
  events: events(openEventBridge(), requireEnv('busName'), log),
  reach: localAddress === undefined ? { cidrs: listEnv('workspaceCidrs') } : { localAddress },
};

export const handler = queueHandler({
  telemetry,
  sqs,
  queueUrl: requireEnv('deliveriesQueueUrl'),
  deadLetterUrl: requireEnv('deliveriesDlqUrl'),
  schema: deliveryMessage,
  handle: (deliveries) => handleHandedOn(deliveries, ports),
});
