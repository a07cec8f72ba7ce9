/** What a forward error costs, outcome by outcome: every call that goes over the wire, counted on the mocked clients. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { BatchGetCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../../core/workspace.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { aRequest, forwardError } from './calls.ts';
import {
  aClaim,
  aStoredWorkspace,
  ec2Shows,
  holds,
  mockedAws,
  NOW_MS,
  portsOver,
  TABLE,
} from './mocked-aws.ts';
import { conditionFailed } from './refused-writes.ts';

let aws: ReturnType<typeof mockedAws>;
beforeEach(() => {
  aws = mockedAws();
});

const namesOf = (): string[] =>
  [aws.dynamo, aws.ec2, aws.sqs, aws.bus].flatMap((client) =>
    client.calls().map((call) => call.args[0].constructor.name.replace('Command', '')),
  );

async function callsOf(workspace: Workspace, state: string, body: object): Promise<string[]> {
  holds(aws, workspace);
  ec2Shows(aws, state);
  await handleForwardError(forwardError(body), portsOver(aws));
  return namesOf();
}

const settling = aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 });
const fresh = aStoredWorkspace({ freshUntilMs: NOW_MS + 10_000 });
const stale = aStoredWorkspace();
const gone = aStoredWorkspace({
  gone: { verdictId: '01KAVERDCTAAAAAAAAAAAAAAAA', atMs: NOW_MS - 1000, instanceId: 'i-0123456789abcdef0' },
});
const suspected = aStoredWorkspace({
  evidence: {
    ...{
      kind: 'stopped',
      verdictId: '01KAVERDCTAAAAAAAAAAAAAAAA',
      atMs: NOW_MS - 1000,
      generation: 3,
      round: 0,
    },
    ...{ instanceId: 'i-0123456789abcdef0', bootId: 'boot-a', seq: 41, launchTimeMs: NOW_MS - 7_200_000 },
  },
});
const refused = { error: { kind: 'refused' } };
const read = 'BatchGet';
const lease = 'Update';
const probe = 'DescribeInstances';
const write = 'TransactWrite';
const parking = [write, 'Update', 'SendMessage', 'PutEvents'];

it.each([
  ['busy, settling', settling, 'stopped', refused, [read, write]],
  ['busy, restarting', aStoredWorkspace({ claim: aClaim() }), 'stopped', refused, [read, write]],
  ['busy, paused', aStoredWorkspace({ desired: 'stopped' }), 'stopped', refused, [read, write]],
  [
    'busy, paused and refused',
    aStoredWorkspace({ desired: 'stopped', settings: { whenPaused: 'refuse' } }),
    'stopped',
    { ...refused, request: aRequest },
    [read, write],
  ],
  [
    'busy, moved',
    stale,
    'stopped',
    { error: { kind: 'refused', instanceId: 'i-0aaaaaaaaaaaaaaaa' } },
    [read, write],
  ],
  ['busy, booting', stale, 'pending', refused, [read, lease, write, probe]],
  ['gone, known before', gone, 'terminated', refused, [read]],
  [
    'gone, known before, with an idempotency key',
    gone,
    'terminated',
    { ...refused, request: aRequest },
    [read, write],
  ],
  ['busy, heartbeat fresh', fresh, 'stopped', refused, [read, lease, write, probe]],
  ['alive', stale, 'running', refused, [read, lease, write, probe]],
  [
    'alive, answered for an idempotency key',
    stale,
    'running',
    { ...refused, request: aRequest },
    [read, lease, write, probe],
  ],
  ['busy, parked', settling, 'stopped', { ...refused, request: aRequest }, [read, ...parking]],
  [
    'busy after a probe, parked',
    fresh,
    'stopped',
    { ...refused, request: aRequest },
    [read, lease, ...parking, probe],
  ],
  [
    'alive, and a sighting is taken back',
    suspected,
    'running',
    refused,
    [read, lease, 'Update', write, probe],
  ],
  ['suspect, another verdict is pending', suspected, 'stopped', refused, [read, lease, probe]],
  ['suspect', stale, 'stopped', refused, [read, lease, 'Update', write, probe, 'SendMessage']],
])('%s - makes exactly these calls', async (_outcome, workspace, state, body, expected) => {
  expect((await callsOf(workspace, state, body)).sort()).toEqual([...expected].sort());
});

describe('beside the usual ways', () => {
  const count = (name: string) => namesOf().filter((other) => other === name).length;

  it('an unknown workspace - one read, and nothing written', async () => {
    await handleForwardError(forwardError(refused), portsOver(aws));
    expect(namesOf()).toEqual([read]);
  });

  it('the same call again - one read, and the first answer', async () => {
    const value = {
      fingerprint: portsOver(aws).ids.fingerprint(JSON.stringify(aRequest)),
      answer: { status: 503, headers: {}, body: { verdict: 'alive' } },
    };
    holds(aws, stale, [{ pk: 'IDEM#role/proxy#ws-1#r-1', sk: 'ANSWER', value }]);
    await handleForwardError(forwardError({ ...refused, request: aRequest }), portsOver(aws));
    expect(namesOf()).toEqual([read]);
  });

  it('another call probes at this moment - no call to EC2', async () => {
    holds(aws, stale);
    aws.dynamo.on(UpdateCommand).rejects(conditionFailed());
    await handleForwardError(forwardError(refused), portsOver(aws));
    expect(namesOf()).toEqual([read, lease, write]);
  });

  it.each(['RequestLimitExceeded', 'InternalError', 'TimeoutError'])(
    'EC2 answers %s - asked once, never again in the same call',
    async (name) => {
      holds(aws, stale);
      aws.ec2.on(DescribeInstancesCommand).rejects(Object.assign(new Error(name), { name }));
      await handleForwardError(forwardError(refused), portsOver(aws));
      expect(count(probe)).toBe(1);
      expect([count(read), count(lease), count(write)]).toEqual([1, 1, 1]);
    },
  );
});

describe('what the one read and the one write hold', () => {
  it('the read - workspace, last probe, count of the parked, and the first answer to this key, all consistent', async () => {
    await callsOf(stale, 'running', { ...refused, request: aRequest });
    expect(aws.dynamo.commandCalls(BatchGetCommand)[0]?.args[0].input.RequestItems).toEqual({
      [TABLE]: {
        ConsistentRead: true,
        Keys: [
          { pk: 'WS#ws-1', sk: 'STATE' },
          { pk: 'WS#ws-1', sk: 'PROBE' },
          { pk: 'WS#ws-1', sk: 'PARKED' },
          { pk: 'IDEM#role/proxy#ws-1#r-1', sk: 'ANSWER' },
        ],
      },
    });
  });

  it('the write - receipt, the probe for others, and the first answer, in one transaction', async () => {
    await callsOf(stale, 'running', { ...refused, request: aRequest });
    const [items] = aws.dynamo
      .commandCalls(TransactWriteCommand)
      .map((call) => call.args[0].input.TransactItems ?? []);
    expect(items?.map(({ Put, Update }) => String((Put?.Item ?? Update?.Key)?.['sk']).split('#')[0])).toEqual(
      ['VERDICT', 'PROBE', 'ANSWER'],
    );
  });
});
