/** Two copies of one call at once (a proxy's retry, a duplicated delivery): they get one answer, of one verdict (S30). */
import { beforeEach, describe, expect, it } from 'vitest';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { aRequest, forwardError } from './calls.ts';
import { memoryTable } from './memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let nowMs: number;
let table: ReturnType<typeof memoryTable>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  nowMs = NOW_MS;
  table = memoryTable(aws, () => nowMs);
});

const fails = (request: object = aRequest) =>
  handleForwardError(forwardError({ error: { kind: 'refused' }, request }), ports);
/** Both read before either has written. */
const bothFail = async () => {
  const [one, other] = await Promise.all([fails(), fails()]);
  return { one, other };
};

describe('two calls with one idempotency key at once', () => {
  it('alive, nothing is parked - the slower one gets the first answer, not a fault', async () => {
    table.put(itemOf(aStoredWorkspace()));
    ec2Shows(aws, 'running');
    const { one, other } = await bothFail();
    expect(one.body?.['verdictId']).toBeDefined();
    expect(other).toEqual(one);
  });

  it('busy, parked - one request, one verdict', async () => {
    table.put(itemOf(aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 })));
    const { one, other } = await bothFail();
    expect(one).toMatchObject({ status: 202, body: { reason: 'settling' } });
    expect(other).toEqual(one);
  });

  it('suspect - one chain of verdict, and both wait for it', async () => {
    table.put(itemOf(aStoredWorkspace()));
    ec2Shows(aws, 'stopped');
    const { one, other } = await bothFail();
    expect(one).toMatchObject({ status: 202 });
    expect(other).toEqual(one);
  });

  it('another request under the same key - a conflict, whoever was first', async () => {
    table.put(itemOf(aStoredWorkspace()));
    ec2Shows(aws, 'running');
    const [one, other] = await Promise.all([fails(), fails({ ...aRequest, path: '/another-path' })]);
    expect([one, other].filter(({ status }) => status === 409)).toHaveLength(1);
  });
});

describe('a caller that was refused, and comes again under the same key', () => {
  const at = (laterMs: number) => ({ earliestMs: NOW_MS + laterMs - 1000, latestMs: NOW_MS + laterMs });
  const comesAgain = async (laterMs: number) => {
    nowMs = NOW_MS + laterMs;
    const call = forwardError({ error: { kind: 'refused' }, request: aRequest }, { now: at(laterMs) });
    return handleForwardError(call, ports);
  };
  beforeEach(() => {
    table.put(itemOf(aStoredWorkspace()));
    ec2Shows(aws, 'running');
  });

  it('at once, as a copy of the same call - the first answer', async () => {
    const first = await comesAgain(0);
    expect(first.status).toBe(503);
    expect(await comesAgain(2000)).toEqual(first);
  });

  it('after Retry-After, when its instance has stopped - judged anew, and so the dead one is found (V3)', async () => {
    const first = await comesAgain(0);
    ec2Shows(aws, 'stopped', { launchTimeMs: NOW_MS - 7_200_000 });
    const again = await comesAgain(1000 * Number(first.headers['retry-after']));
    expect(again).toMatchObject({ status: 202, body: { verdict: 'pending' } });
    expect(again.body?.['verdictId']).not.toBe(first.body?.['verdictId']);
  });

  it('with another request under the key, after that - judged anew: nothing was promised for the first one', async () => {
    await comesAgain(0);
    nowMs = NOW_MS + 5000;
    const other = { error: { kind: 'refused' }, request: { ...aRequest, path: '/another-path' } };
    expect(await handleForwardError(forwardError(other, { now: at(5000) }), ports)).toMatchObject({
      status: 503,
    });
  });
});
