/** What a forward error costs, outcome by outcome: every call that goes over the wire, counted on the mocked clients. */
import { beforeEach, expect, it } from 'vitest';
import type { Workspace } from '../../core/workspace.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { aRequest, forwardError } from './calls.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
beforeEach(() => {
  aws = mockedAws();
});

async function callsOf(workspace: Workspace, state: string, body: object): Promise<string[]> {
  holds(aws, workspace);
  ec2Shows(aws, state);
  await handleForwardError(forwardError(body), portsOver(aws));
  return [aws.dynamo, aws.ec2, aws.sqs, aws.bus].flatMap((client) =>
    client.calls().map((call) => call.args[0].constructor.name.replace('Command', '')),
  );
}

const settling = aStoredWorkspace({ settleUntilMs: NOW_MS + 20_000 });
const fresh = aStoredWorkspace({ freshUntilMs: NOW_MS + 10_000 });
const stale = aStoredWorkspace();
const refused = { error: { kind: 'refused' } };
const read = 'BatchGet';
const lease = 'Update';
const probe = 'DescribeInstances';
const write = 'TransactWrite';
const parking = [write, 'Update', 'SendMessage', 'PutEvents'];

it.each([
  ['busy, settling', settling, 'stopped', refused, [read, write]],
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
  ['suspect', stale, 'stopped', refused, [read, lease, 'Update', write, probe, 'SendMessage']],
])('%s - makes exactly these calls', async (_outcome, workspace, state, body, expected) => {
  expect((await callsOf(workspace, state, body)).sort()).toEqual([...expected].sort());
});
