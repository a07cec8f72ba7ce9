/**
 * EC2 throttled the one Stop of a claim: nothing was done, and the next claim has a Stop of its own. The workspace must
 * not be quarantined for that (V4): no operator can mend a throttle. Found by the simulator (seed 30105).
 */
import { StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect, it } from 'vitest';

import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { received } from '../lambdas/calls.ts';
import {
  aClaim,
  aStoredWorkspace,
  ec2Shows,
  endedClaims,
  holds,
  mockedAws,
  NOW_MS,
  portsOver,
} from '../lambdas/mocked-aws.ts';

const LAUNCHED_MS = NOW_MS - 7_200_000;

const stopRefusedWith = async (name: string) => {
  const aws = mockedAws();
  const claim = {
    ...aClaim(),
    kind: 'silent',
    reason: 'silent',
    launchTimeMs: LAUNCHED_MS,
    bootId: 'boot-a',
  } as const;
  holds(aws, aStoredWorkspace({ generation: 4, claim }));
  ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
  aws.ec2.on(StopInstancesCommand).rejects(Object.assign(new Error(), { name }));
  const { workspaceId, instanceId } = aStoredWorkspace();
  const message = {
    v: 1,
    kind: 'restart',
    workspaceId,
    instanceId,
    generation: 4,
    epoch: 0,
    token: claim.token,
  } as const;
  await handleRestarts([received(message)], portsOver(aws));
  const [end] = endedClaims(aws);
  const news = aws.bus
    .commandCalls(PutEventsCommand)
    .map((call) => call.args[0].input.Entries?.[0]?.DetailType);
  return { quarantine: end?.ExpressionAttributeValues?.[':quarantine'] as unknown, news };
};

it.each(['RequestLimitExceeded', 'IncorrectInstanceState'])(
  'Stop is answered with %s - the restart has failed, and the workspace is not quarantined',
  async (name) => {
    expect(await stopRefusedWith(name)).toEqual({ quarantine: undefined, news: ['restart.failed'] });
  },
);

it('Stop is denied - quarantined: only an operator can mend that', async () => {
  const { quarantine, news } = await stopRefusedWith('UnauthorizedOperation');
  expect(quarantine).toMatchObject({ because: 'UnauthorizedOperation' });
  expect(news).toContain('workspace.quarantined');
});
