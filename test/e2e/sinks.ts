/** Every place where something could leak to on the local stack, as text that can be searched. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { adminCredentials } from '../../local/admin.ts';
import { signedHeaders } from '../../local/signing.ts';
import { admin, local } from './fleet.ts';
import { ownStack } from './stacks.ts';
import { allItems, allMessages } from './stores.ts';

/** Keeps a copy of every event of the bus from now on; gives the queue where they lie. */
export async function keepEvents(): Promise<string> {
  const { QueueUrl = '' } = await admin.sqs.send(new CreateQueueCommand({ QueueName: 'kept-events' }));
  const { Attributes } = await admin.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const rule = { EventBusName: local.busName, Name: 'keep-events', EventPattern: '{"source":["defib"]}' };
  await admin.events.send(new PutRuleCommand(rule));
  await admin.events.send(
    new PutTargetsCommand({
      EventBusName: local.busName,
      Rule: rule.Name,
      Targets: [{ Id: 'kept', Arn: Attributes?.['QueueArn'] ?? '' }],
    }),
  );
  return QueueUrl;
}

export interface Sinks {
  readonly table: readonly string[];
  /** Bodies of messages, dead letters among them. */
  readonly queues: readonly string[];
  /** What a message carries beside its body: attributes, of SQS and of the sender. */
  readonly attributes: readonly string[];
  readonly events: readonly string[];
  /** What the functions printed: logs, and the metrics in them. */
  readonly logs: readonly string[];
  readonly metrics: readonly string[];
}

export async function allSinks(eventsUrl: string): Promise<Sinks> {
  const messages = (await Promise.all(Object.values(local.queues).map(allMessages))).flat();
  return {
    table: await allItems(),
    queues: messages.map(({ body }) => body),
    attributes: messages.map(({ attributes }) => attributes),
    events: (await allMessages(eventsUrl)).map(({ body, attributes }) => body + attributes),
    logs: [readFileSync(path.join(ownStack().folder, 'emulator.log'), 'utf8'), ...(await logEvents())],
    metrics: [await jsonCall('monitoring', 'GraniteServiceVersion20100801.ListMetrics', {})],
  };
}

/** All that lies in CloudWatch Logs. */
async function logEvents(): Promise<string[]> {
  const { logGroups = [] } = JSON.parse(await jsonCall('logs', 'Logs_20140328.DescribeLogGroups', {})) as {
    logGroups?: { logGroupName: string }[];
  };
  return Promise.all(
    logGroups.map(({ logGroupName }) =>
      jsonCall('logs', 'Logs_20140328.FilterLogEvents', { logGroupName, limit: 10_000 }),
    ),
  );
}

async function jsonCall(service: string, target: string, input: object): Promise<string> {
  const url = new URL(local.endpointUrl);
  const body = JSON.stringify(input);
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
  const signing = { service, region: local.region, credentials: adminCredentials };
  const signed = await signedHeaders({ method: 'POST', url, headers, body }, signing);
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, { method: 'POST', headers: signed }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => {
        if (incoming.statusCode === 200) resolve(text);
        else reject(new Error(`${target}: ${incoming.statusCode} ${text.slice(0, 200)}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
