import { telemetry as startTelemetry } from '../adapters/log.ts';
import { openSqs, queues } from '../adapters/queues.ts';
import { requireEnv } from '../runtime/env.ts';
import { queueHandler } from '../runtime/sqs-batch.ts';
import { parkedMessage } from '../schemas/messages.ts';
import { handleReceived, type ReceivePorts } from './handle.ts';

const telemetry = startTelemetry();
const sqs = openSqs();
const ports: ReceivePorts = {
  log: telemetry.log,
  queues: queues(sqs, { deliveries: requireEnv('deliveriesQueueUrl') }),
};

export const handler = queueHandler({
  telemetry,
  sqs,
  queueUrl: requireEnv('parkedQueueUrl'),
  deadLetterUrl: requireEnv('parkedDlqUrl'),
  schema: parkedMessage,
  handle: (messages) => handleReceived(messages, ports),
});
