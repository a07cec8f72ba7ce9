/**
 * A claim is ended by whoever has it in hand (S8). A run that has read it before it moved on decides by an old look: its
 * end would leave an instance that Defib has stopped meanwhile without anybody who starts it again.
 */
import { StopInstancesCommand } from '@aws-sdk/client-ec2';
import { beforeEach, expect, it } from 'vitest';
import type { RestartMessage } from '../../core/messages.ts';
import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { received } from '../lambdas/calls.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import {
  aClaim,
  aStoredWorkspace,
  ec2Shows,
  itemOf,
  mockedAws,
  NOW_MS,
  portsOver,
} from '../lambdas/mocked-aws.ts';

const LAUNCHED_MS = NOW_MS - 7_200_000;
const claim = {
  ...aClaim(),
  kind: 'silent',
  reason: 'silent',
  launchTimeMs: LAUNCHED_MS,
  bootId: 'boot-a',
} as const;
const slots = { [claim.token]: { workspaceId: 'ws-1', deadlineMs: NOW_MS + 1_000_000 } };
const ofEpoch = (epoch: number): RestartMessage => ({
  v: 1,
  kind: 'restart',
  workspaceId: 'ws-1',
  instanceId: claim.instanceId,
  generation: 4,
  epoch,
  token: claim.token,
});

let aws: ReturnType<typeof mockedAws>;
let table: MemoryTable;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  table = memoryTable(aws, () => NOW_MS);
  ports = portsOver(aws);
  table.put(itemOf(aStoredWorkspace({ generation: 4, claim, desired: 'stopped' })));
  table.put({ pk: 'FLEET', sk: 'BRAKE', revision: 1, brake: 'closed', admitted: slots, deaths: [] });
  ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
  aws.ec2.on(StopInstancesCommand).resolves({
    StoppingInstances: [{ InstanceId: claim.instanceId, PreviousState: { Name: 'running' } }],
  });
});
const stored = () => table.item('WS#ws-1', 'STATE') as { claim?: { step: string } };

/** Does something between the decision of a run and the write of its end. */
function beforeTheEnd(happens: () => Promise<void>): typeof ports {
  let isFirst = true;
  const endClaim: typeof ports.workspaces.endClaim = async (...end) => {
    if (isFirst) {
      isFirst = false;
      await happens();
    }
    return ports.workspaces.endClaim(...end);
  };
  return { ...ports, workspaces: { ...ports.workspaces, endClaim } };
}

it('a run that froze before it cancels, while another has stopped the instance - the claim and its slot stay', async () => {
  const frozen = beforeTheEnd(async () => {
    // An operator wants it running again, and the sweep has set the claim going anew.
    table.put(itemOf(aStoredWorkspace({ generation: 4, claim: { ...claim, epoch: 1 } })));
    await handleRestarts([received(ofEpoch(1))], ports);
    expect(stored().claim?.step).toBe('stop-recorded');
  });
  const settled = await handleRestarts([received(ofEpoch(0))], frozen);
  expect(settled.get('message-1')).toMatchObject({ kind: 'again' });
  expect(aws.ec2.commandCalls(StopInstancesCommand)).toHaveLength(1);
  expect(stored().claim?.step).toBe('stop-recorded');
  expect(table.item('FLEET', 'BRAKE')).toMatchObject({ admitted: slots });
});

it('a copy that was faster has ended it - the other ends nothing, and is done when it comes again', async () => {
  const slower = beforeTheEnd(async () => {
    await handleRestarts([received(ofEpoch(0))], ports);
    expect(stored().claim).toBeUndefined();
  });
  const settled = await handleRestarts([received(ofEpoch(0))], slower);
  expect(settled.get('message-1')).toMatchObject({ kind: 'again' });
  expect((await handleRestarts([received(ofEpoch(0))], ports)).get('message-1')).toEqual({ kind: 'done' });
});
