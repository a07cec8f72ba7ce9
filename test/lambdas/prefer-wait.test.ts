/** `Prefer: wait=N` (RFC 7240): a caller that would rather wait for the final verdict than come back for it. */
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { forwardError } from './calls.ts';
import { aStoredWorkspace, dated, ec2Shows, holds, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  holds(aws, aStoredWorkspace());
  ec2Shows(aws, 'stopped');
});

/** The verdict is final from then on, so many milliseconds after the call. */
const finalAfter = (ms: number, verdict: string, reason: string) =>
  aws.dynamo.on(GetCommand).callsFake(() => ({
    Item: {
      receipt:
        ports.clock.nowMs() - NOW_MS < ms
          ? { verdictId: 'v', verdict: 'pending', reason: 'suspect' }
          : { verdictId: 'v', verdict, reason, act: 'restart' },
    },
    $metadata: dated(),
  }));
const fails = async (prefer: string | undefined) => {
  const headers = prefer === undefined ? {} : { prefer };
  const answer = await handleForwardError(forwardError({ error: { kind: 'refused' } }, { headers }), ports);
  return { answer, waitedMs: ports.clock.nowMs() - NOW_MS };
};

describe('how long a call waits', () => {
  it.each([
    ['wait=1', 1000],
    ['wait=5', 5000],
    ['wait=10', 10_000],
    ['respond-async, wait=2', 2000],
    ['respond-async,wait=2', 2000],
    ['wait=2; foo', 2000],
    ['handling=lenient wait=3', 3000],
  ])('%s, and the verdict stays open - %i ms, and then the pending answer', async (prefer, expectedMs) => {
    finalAfter(Infinity, 'dead', 'stopped');
    const { answer, waitedMs } = await fails(prefer);
    expect(answer).toMatchObject({ body: { verdict: 'pending' } });
    expect(waitedMs).toBe(expectedMs);
  });

  it.each([
    undefined,
    '',
    'wait',
    'wait=',
    'wait=0',
    'wait=11',
    'wait=-1',
    'wait=100',
    'wait=2.5',
    'wait=x',
    'await=2',
  ])('%j - no preference: it does not wait', async (prefer) => {
    finalAfter(0, 'dead', 'stopped');
    const { answer, waitedMs } = await fails(prefer);
    expect(answer).toMatchObject({ body: { verdict: 'pending' } });
    expect(waitedMs).toBe(0);
  });
});

describe('what it is answered', () => {
  it.each([
    ['dead', 'stopped', { status: 503, body: { code: 'dead', restarting: true } }],
    ['alive', 'running', { status: 503, body: { code: 'agent-restarting', verdict: 'alive' } }],
    ['busy', 'heartbeat-fresh', { status: 503, body: { code: 'busy', verdict: 'busy' } }],
  ])(
    '%s after two seconds - at once when it is final, and as the final verdict says',
    async (verdict, reason, expected) => {
      finalAfter(2000, verdict, reason);
      const { answer, waitedMs } = await fails('wait=5');
      expect(answer).toMatchObject(expected);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(waitedMs).toBe(2000);
    },
  );

  it('a verdict that is final at the first look - nobody waits for anything', async () => {
    ec2Shows(aws, 'running');
    expect(await fails('wait=5')).toMatchObject({ answer: { body: { verdict: 'alive' } }, waitedMs: 0 });
  });
});
