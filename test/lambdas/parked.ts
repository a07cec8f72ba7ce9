/** A parked request as its message, its row and its workspace's counters, and what the use cases made of them. */
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ChangeMessageVisibilityCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ParkedMessage } from '../../core/messages.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import type { AgentAnswer } from '../../lambdas/ports/agents.ts';
import { dated, type mockedAws, NOW_MS, QUEUE } from './mocked-aws.ts';

type Aws = ReturnType<typeof mockedAws>;
type Item = Record<string, unknown>;

export const REQUEST = '01KAREQESTAAAAAAAAAAAAAAAA';

export function aMessage(changes: Partial<ParkedMessage> = {}): ParkedMessage {
  return {
    v: 1,
    kind: 'parked',
    workspaceId: 'ws-1',
    requestId: REQUEST,
    enqueueNo: 0,
    idempotencyKey: 'r-1',
    method: 'POST',
    path: '/a2a',
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from('hello').toString('base64'),
    ...changes,
  };
}

/** Parked nine seconds ago, not tried yet, expires in an hour. */
export function aRow(changes: Partial<ParkedRequest> = {}): ParkedRequest {
  return {
    requestId: REQUEST,
    workspaceId: 'ws-1',
    caller: 'role/proxy',
    state: 'parked',
    attempts: 0,
    bodyBytes: 5,
    acceptedAtMs: NOW_MS - 10_000,
    parkedAtMs: NOW_MS - 9000,
    expiresAtMs: NOW_MS + 3_600_000,
    ambiguous: false,
    whenDead: 'refuse',
    errorClass: 'agent-restarting',
    enqueueNo: 0,
    ...changes,
  };
}

/** The row as an item of the table. */
export function rowItem(changes: Partial<ParkedRequest> = {}): Item {
  const row = aRow(changes);
  return { pk: `REQ#${row.requestId}`, sk: 'REQUEST', ...row };
}

/** The counters of the workspace, with the hints beside them. */
export function totalsItem(changes: Item = {}): Item {
  return { pk: 'WS#ws-1', sk: 'PARKED', count: 1, bytes: 5, ...changes };
}

/** Lets queries find items by their partition: a list, a due list, or a key. */
export function finds(aws: Aws, partitions: Readonly<Record<string, readonly Item[]>>, atMs = NOW_MS): void {
  aws.dynamo.on(QueryCommand).callsFake((input: { ExpressionAttributeValues: Record<string, string> }) => {
    const { ':list': list, ':due': due, ':pk': pk } = input.ExpressionAttributeValues;
    const Items = partitions[list ?? due ?? pk ?? ''] ?? [];
    return { Items, Count: Items.length, $metadata: dated(atMs) };
  });
}

export function answered(status: number, headers: Record<string, string> = {}): AgentAnswer {
  return { kind: 'answered', response: { status, headers, body: '', truncated: false } };
}

/** The final states that were written, each with its reason and its condition. */
export function endings(aws: Aws) {
  return aws.dynamo
    .commandCalls(TransactWriteCommand)
    .map((call) => call.args[0].input.TransactItems?.[0]?.Update)
    .filter((update) => update?.UpdateExpression?.includes('finishedAtMs') === true)
    .map((update) => ({
      requestId: String(update?.Key?.['pk']).slice('REQ#'.length),
      state: update?.ExpressionAttributeValues?.[':state'] as string,
      why: update?.ExpressionAttributeValues?.[':why'] as string | undefined,
      condition: update?.ConditionExpression,
      values: update?.ExpressionAttributeValues,
    }));
}

/** Updates of rows of requests, by the beginning of their expression. */
export function rowUpdates(aws: Aws, beginning: string) {
  return aws.dynamo
    .commandCalls(UpdateCommand)
    .map((call) => call.args[0].input)
    .filter(
      (input) => input.Key?.['sk'] === 'REQUEST' && input.UpdateExpression?.startsWith(beginning) === true,
    );
}

/** What was noted beside the counters: the head, and the drain. */
export function notes(aws: Aws) {
  return aws.dynamo
    .commandCalls(UpdateCommand)
    .map((call) => call.args[0].input)
    .filter(
      (input) =>
        input.Key?.['sk'] === 'PARKED' && input.UpdateExpression?.includes('drain = :drain') === true,
    )
    .map((input) => ({
      head: input.ExpressionAttributeValues?.[':head'] as Item | undefined,
      drain: input.ExpressionAttributeValues?.[':drain'] as Item,
    }));
}

/** The messages that were sent to a queue. */
export function sentTo(aws: Aws, queue: keyof typeof QUEUE) {
  return aws.sqs
    .commandCalls(SendMessageCommand)
    .map((call) => call.args[0].input)
    .filter((input) => input.QueueUrl === QUEUE[queue])
    .map((input) => ({ ...input, message: JSON.parse(input.MessageBody ?? '') as Item }));
}

/** The seconds that messages were hidden for. */
export function hidden(aws: Aws) {
  return aws.sqs
    .commandCalls(ChangeMessageVisibilityCommand)
    .map((call) => call.args[0].input.VisibilityTimeout);
}

/** The types of the events that went out. */
export function news(aws: Aws) {
  return aws.bus
    .commandCalls(PutEventsCommand)
    .map((call) => call.args[0].input.Entries?.[0])
    .map((entry) => ({ type: entry?.DetailType, detail: JSON.parse(entry?.Detail ?? '{}') as Item }));
}

/** The pieces of dead letters' bytes that were kept. */
export function keptPieces(aws: Aws): Item[] {
  return aws.dynamo
    .commandCalls(PutCommand)
    .map((call) => call.args[0].input.Item ?? {})
    .filter((item) => String(item['sk']).startsWith('BYTES#'));
}

/** Writes to the table in their order, each by a word. */
export function writesInOrder(aws: Aws): string[] {
  return aws.dynamo.calls().flatMap((call) => {
    // The mock types its calls as any command there is.
    const { input } = call.args[0] as unknown as { input: Item };
    if ('TransactItems' in input) return ['transaction'];
    if ('Item' in input) return ['put'];
    return 'UpdateExpression' in input ? ['update'] : [];
  });
}
