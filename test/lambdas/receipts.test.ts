/** What a verdict leaves behind: everything it was made from, before anything follows from it (S35), and it replays. */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { judge } from '../../core/judge.ts';
import type { ReprobeMessage } from '../../core/messages.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import type { Receipt } from '../../core/receipt.ts';
import type { Workspace } from '../../core/workspace.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleLookup } from '../../lambdas/lookup/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { apiCall, forwardError, received } from './calls.ts';
import { memoryTable } from './memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, NOW_MS, portsOver, QUEUE } from './mocked-aws.ts';

const THIRTY_DAYS_S = 30 * 24 * 60 * 60;
let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let table: ReturnType<typeof memoryTable>;
/** What happened, in order: each write, and each message by its queue. */
let events: string[];
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  events = [];
  table = memoryTable(aws, () => ports.clock.nowMs(), {
    lives: () => {},
    effect: (what) => void events.push(what),
  });
  for (const [queue, QueueUrl] of Object.entries(QUEUE)) {
    aws.sqs.on(SendMessageCommand, { QueueUrl }).callsFake(() => {
      events.push(`send ${queue}`);
      return { MessageId: 'm' };
    });
  }
});

const policy = policyOf(defaultSettings);
const fails = async (workspace: Workspace, state: string): Promise<string> => {
  table.put(itemOf(workspace));
  ec2Shows(aws, state);
  const { body } = await handleForwardError(forwardError({ error: { kind: 'refused' } }), ports);
  return String(body?.['verdictId']);
};
const looksAgain = async () => {
  const sent = aws.sqs.commandCalls(SendMessageCommand).map((call) => call.args[0].input);
  const message = JSON.parse(
    sent.find(({ QueueUrl }) => QueueUrl === QUEUE.reprobe)?.MessageBody ?? '',
  ) as ReprobeMessage;
  ports.clock.advance(2000);
  const firstReceivedAtMs = ports.clock.nowMs();
  await handleReprobes([received(message, { sentAtMs: NOW_MS, firstReceivedAtMs })], ports);
};
const itemOfVerdict = (verdictId: string) => table.item('WS#ws-1', `VERDICT#${verdictId}`);
const receiptOfVerdict = (verdictId: string) => itemOfVerdict(verdictId)?.['receipt'] as Receipt;

describe('the receipt of a verdict at the first look', () => {
  it('holds facts, rule, flips, policy and its version, times, and who asked; TTL removes it after thirty days', async () => {
    const workspace = aStoredWorkspace({ freshUntilMs: NOW_MS + 10_000 });
    const verdictId = await fails(workspace, 'stopped');
    const item = itemOfVerdict(verdictId);
    expect(item).toMatchObject({ final: true, ttl: NOW_MS / 1000 + THIRTY_DAYS_S });
    expect(item?.['receipt']).toEqual({
      verdictId,
      workspaceId: 'ws-1',
      verdict: 'busy',
      reason: 'heartbeat-fresh',
      rule: '8-heartbeat-fresh',
      flip: [{ kind: 'heartbeat-goes-stale', afterMs: NOW_MS + 10_000 }],
      atMs: NOW_MS,
      openedAtMs: NOW_MS,
      errorKind: 'refused',
      askedBy: 'role/proxy',
      policy,
      policyVersion: expect.stringMatching(/^.{1,12}$/) as unknown,
      looks: [
        {
          facts: {
            now: { earliestMs: NOW_MS, latestMs: NOW_MS },
            clock: 'agrees',
            asker: 'caller',
            errorKind: 'refused',
            workspace: {
              ...{
                workspaceId: 'ws-1',
                instanceId: 'i-0123456789abcdef0',
                generation: 3,
                desired: 'running',
              },
              settleUntilMs: workspace.settleUntilMs,
              settleBecause: 'registration',
              freshUntilMs: NOW_MS + 10_000,
              heartbeat: workspace.heartbeat,
            },
            probe: {
              ...{ kind: 'seen', state: 'stopped', instanceId: 'i-0123456789abcdef0' },
              launchTimeMs: NOW_MS - 7_200_000,
            },
          },
          judgement: expect.objectContaining({ call: 'busy', rule: '8-heartbeat-fresh' }) as unknown,
          tookMs: 0,
        },
      ],
    });
  });

  it("a workspace's own numbers - are those that it keeps, under a version of their own", async () => {
    const of = async (workspace: Workspace) => receiptOfVerdict(await fails(workspace, 'running'));
    ports.ids.fingerprint = (text) => `${/"evidenceLifeMs":(\d+)/.exec(text)?.[1] ?? ''}-of-the-policy`;
    const usual = await of(aStoredWorkspace());
    ports.clock.advance(2000);
    const own = await of(aStoredWorkspace({ settings: { evidenceSeconds: 40 } }));
    expect(own.policy).toEqual({ ...usual.policy, evidenceLifeMs: 40_000 });
    expect([usual.policyVersion, own.policyVersion]).toEqual(['30000-of-the', '40000-of-the']);
  });
});

describe('the receipt of a dead verdict', () => {
  it('is there, pending, before the re-probe is asked for, and dead by intent before the claim', async () => {
    const verdictId = await fails(aStoredWorkspace(), 'stopped');
    expect(events).toEqual(['write WS#ws-1|PROBE', 'write WS#ws-1|STATE', 'transaction', 'send reprobe']);
    expect(receiptOfVerdict(verdictId)).toMatchObject({ verdict: 'pending', rule: '9-first-sighting' });
    events.length = 0;
    await looksAgain();
    const receipt = `write WS#ws-1|VERDICT#${verdictId}`;
    expect(events).toEqual([receipt, 'write WS#ws-1|STATE', receipt, 'send restart']);
  });

  it('keeps both looks, and each of them replays to what was said', async () => {
    const verdictId = await fails(aStoredWorkspace(), 'stopped');
    await looksAgain();
    const receipt = receiptOfVerdict(verdictId);
    expect(receipt).toMatchObject({
      ...{ verdict: 'dead', reason: 'stopped', rule: '11-dead', act: 'restart', askedBy: 'role/proxy' },
      ...{ openedAtMs: NOW_MS, atMs: NOW_MS + 2000 },
    });
    expect(receipt.looks.map(({ facts }) => facts.asker)).toEqual(['caller', 'reprobe']);
    for (const { facts, judgement, tookMs } of receipt.looks) {
      expect(judge(facts, receipt.policy)).toEqual(judgement);
      expect(tookMs).toBeGreaterThanOrEqual(0);
    }
  });

  it('is read by its id, with the flips in words', async () => {
    const verdictId = await fails(aStoredWorkspace(), 'stopped');
    await looksAgain();
    const answer = await handleLookup(
      apiCall('GET /workspaces/{workspaceId}/verdicts/{verdictId}', '', {
        params: { workspaceId: 'ws-1', verdictId },
        caller: { principal: 'role/operator', roleName: 'operator', session: 's' },
      }),
      { ...ports, operatorRoles: ['operator'] },
    );
    expect(answer).toMatchObject({
      status: 200,
      body: { verdictId, verdict: 'dead', rule: '11-dead', askedBy: 'role/proxy', policy },
    });
    const flips = answer.body?.['flip'] as { kind: string; text: string }[];
    expect(flips.map(({ kind, text }) => [kind, typeof text])).toEqual([
      ['heartbeat-arrives', 'string'],
      ['probe-says-running', 'string'],
    ]);
  });
});
