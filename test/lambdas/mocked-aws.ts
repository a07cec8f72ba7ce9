/**
 * The four AWS clients, mocked, and the ports made from the real adapters over them: what a test sees is what would
 * go over the wire. Anything that a test did not arrange fails loudly.
 */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { brakeStore } from '../../lambdas/adapters/brake-store.ts';
import { deadLetters } from '../../lambdas/adapters/dead-letters.ts';
import { ec2Health } from '../../lambdas/adapters/ec2-health.ts';
import { ec2Power, openEc2Power } from '../../lambdas/adapters/ec2-power.ts';
import { ec2Probe } from '../../lambdas/adapters/ec2-probe.ts';
import { events, openEventBridge } from '../../lambdas/adapters/events.ts';
import { ledger } from '../../lambdas/adapters/ledger.ts';
import { openSqs, queues } from '../../lambdas/adapters/queues.ts';
import { receiptStore } from '../../lambdas/adapters/receipt-store.ts';
import { restartEnds } from '../../lambdas/adapters/restart-ends.ts';
import { stories } from '../../lambdas/adapters/stories.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { workspaceStore } from '../../lambdas/adapters/workspace-store.ts';
import type { AgentAnswer, AgentRequest } from '../../lambdas/ports/agents.ts';
import type { Clock } from '../../lambdas/ports/clock.ts';
import type { Ids } from '../../lambdas/ports/ids.ts';
import type { Log } from '../../lambdas/ports/log.ts';
import { defaultSettings } from '../../core/policy.ts';
import type { Claim, Workspace } from '../../core/workspace.ts';

process.env['AWS_REGION'] = 'us-east-1';
process.env['AWS_ACCESS_KEY_ID'] = 'test';
process.env['AWS_SECRET_ACCESS_KEY'] = 'test';

export const TABLE = 'defib-test';
export const NOW_MS = Date.parse('2026-11-24T12:00:00Z');
export const QUEUE = {
  reprobe: 'https://queues.test/reprobe',
  restart: 'https://queues.test/restart',
  parked: 'https://queues.test/parked.fifo',
  deliveries: 'https://queues.test/deliveries',
} as const;

export function mockedAws() {
  const dynamo = mockClient(DynamoDBDocumentClient);
  const sqs = mockClient(SQSClient);
  const ec2 = mockClient(EC2Client);
  const bus = mockClient(EventBridgeClient);
  bus.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  sqs.on(SendMessageCommand).resolves({ MessageId: 'm' });
  sqs.on(ChangeMessageVisibilityCommand).resolves({});
  dynamo.on(UpdateCommand).resolves({});
  dynamo.on(PutCommand).resolves({});
  dynamo.on(TransactWriteCommand).resolves({});
  dynamo.on(GetCommand).resolves({ $metadata: dated() });
  dynamo.on(BatchGetCommand).resolves({ Responses: { [TABLE]: [] }, $metadata: dated() });
  return { dynamo, sqs, ec2, bus };
}

/** Metadata of an answer that the database gave at that time. */
export function dated(atMs = NOW_MS): object {
  return { serverDate: new Date(atMs).toUTCString() };
}

/** The writes that ended a claim: each is the first of a transaction. */
export function endedClaims({ dynamo }: Pick<ReturnType<typeof mockedAws>, 'dynamo'>) {
  return dynamo.commandCalls(TransactWriteCommand).flatMap((call) => {
    const end = call.args[0].input.TransactItems?.[0]?.Update;
    return end?.UpdateExpression?.startsWith('REMOVE claim') === true ? [end] : [];
  });
}

export interface Counted extends Log {
  readonly counted: string[];
}

export function quietLog(): Counted {
  const counted: string[] = [];
  return {
    counted,
    info: () => {},
    warn: () => {},
    error: () => {},
    count: (metric) => void counted.push(metric),
  };
}

/** A clock that stands still but for what sleeps. */
export function stoppedClock(startMs = NOW_MS): Clock & { advance(ms: number): void } {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    sleep: (ms) => {
      nowMs += ms;
      return Promise.resolve();
    },
    every: () => ({ stop: () => {} }),
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

/** Ids that count up, and no chance. */
function countingIds(): Ids {
  let last = 0;
  return {
    next: () => {
      last += 1;
      return `01KATESTAAAAAAAAAAAAAAAA${String(last).padStart(2, '0')}`;
    },
    jitter: () => 0,
    fingerprint: (text) => `hash-of-${String(text.length)}`,
  };
}

/** Every port there is, over the mocked clients. */
export function portsOver(
  aws: ReturnType<typeof mockedAws>,
  agent: (request: AgentRequest) => AgentAnswer = noAgent,
) {
  const log = quietLog();
  const table = openTable(TABLE);
  return {
    log,
    clock: stoppedClock(),
    ids: countingIds(),
    settings: defaultSettings,
    workspaces: workspaceStore(table),
    receipts: receiptStore(table),
    restartEnds: restartEnds(table),
    ledger: ledger(table),
    deadLetters: deadLetters(table),
    stories: stories(table),
    brake: brakeStore(table),
    ec2Health: ec2Health(table, log),
    queues: queues(openSqs(), QUEUE),
    ec2: ec2Probe(log),
    power: ec2Power(openEc2Power()),
    events: events(openEventBridge(), 'bus', log),
    agents: { send: (request: AgentRequest) => Promise.resolve(agent(request)) },
    reach: { cidrs: ['10.0.0.0/16'] },
    aws,
  };
}

function noAgent(): AgentAnswer {
  throw new Error('this test expects no delivery');
}

/** A running workspace, registered long ago, whose last beat went stale five minutes ago. */
export function aStoredWorkspace(changes: Partial<Workspace> = {}): Workspace {
  return {
    workspaceId: 'ws-1',
    instanceId: 'i-0123456789abcdef0',
    port: 8080,
    protocol: 'http',
    path: '/',
    desired: 'running',
    generation: 3,
    settleUntilMs: NOW_MS - 3_600_000,
    settleBecause: 'registration',
    freshUntilMs: NOW_MS - 300_000,
    heartbeat: { atMs: NOW_MS - 315_000, seq: 41, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 },
    recentRestartsMs: [],
    ...changes,
  };
}

/** An open claim on it: admitted a second ago, nothing done yet. */
export function aClaim(): Claim {
  return {
    token: '01KACLAIMAAAAAAAAAAAAAAAAA',
    kind: 'dead',
    reason: 'stopped',
    step: 'admitted',
    attempt: 0,
    epoch: 0,
    sinceMs: NOW_MS - 1000,
    deadlineMs: NOW_MS + 900_000,
    instanceId: 'i-0123456789abcdef0',
    forced: false,
  };
}

/** The workspace as an item of the table. */
export function itemOf(workspace: Workspace): Record<string, unknown> {
  return { pk: `WS#${workspace.workspaceId}`, sk: 'STATE', v: 1, ...workspace };
}

/** Lets the table answer reads of the workspace, alone or among others. */
export function holds(
  aws: ReturnType<typeof mockedAws>,
  workspace: Workspace,
  more: Record<string, unknown>[] = [],
): void {
  const items = [itemOf(workspace), ...more];
  const find = (key: { pk: string; sk: string }) =>
    items.find((item) => item['pk'] === key.pk && item['sk'] === key.sk);
  aws.dynamo
    .on(BatchGetCommand)
    .callsFake((input: { RequestItems: Record<string, { Keys: { pk: string; sk: string }[] }> }) => ({
      Responses: { [TABLE]: (input.RequestItems[TABLE]?.Keys ?? []).flatMap((key) => find(key) ?? []) },
      $metadata: dated(),
    }));
  aws.dynamo.on(GetCommand).callsFake((input: { Key: { pk: string; sk: string } }) => ({
    Item: find(input.Key),
    $metadata: dated(),
  }));
}

/** Lets EC2 show the instance in a state. */
export function ec2Shows(
  aws: ReturnType<typeof mockedAws>,
  state: string,
  { launchTimeMs = NOW_MS - 7_200_000, instanceId = 'i-0123456789abcdef0', privateIp = '10.0.1.5' } = {},
): void {
  aws.ec2.on(DescribeInstancesCommand).resolves({
    Reservations: [
      {
        Instances: [
          {
            InstanceId: instanceId,
            State: { Name: state as 'running' },
            LaunchTime: new Date(launchTimeMs),
            PrivateIpAddress: privateIp,
          },
        ],
      },
    ],
  });
}
