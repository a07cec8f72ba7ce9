/** Two copies of one call at once (a proxy's retry, a duplicated delivery): they get one answer, of one verdict (S30). */
import { beforeEach, describe, expect, it } from 'vitest';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { aRequest, forwardError } from './calls.ts';
import { memoryTable } from './memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let table: ReturnType<typeof memoryTable>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  table = memoryTable(aws, () => NOW_MS);
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
