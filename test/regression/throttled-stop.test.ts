/**
 * EC2 throttled the one Stop of a claim: nothing was done, and the next claim has a Stop of its own. The workspace must
 * not be quarantined for that (V4): no operator can mend a throttle. Found by the simulator (seed 30105).
 */
import { StopInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect, it } from 'vitest';

import { handleRestarts } from '../../lambdas/restart/handle.ts';
import { received } from '../lambdas/calls.ts';
import { aRestartMessage, claimed, LAUNCHED_MS } from '../lambdas/claimed.ts';
import { ec2Shows, endedClaims, holds, mockedAws, portsOver } from '../lambdas/mocked-aws.ts';

const stopRefusedWith = async (name: string) => {
  const aws = mockedAws();
  holds(aws, claimed({ kind: 'silent', reason: 'silent' }));
  ec2Shows(aws, 'running', { launchTimeMs: LAUNCHED_MS });
  aws.ec2.on(StopInstancesCommand).rejects(Object.assign(new Error(), { name }));
  await handleRestarts([received(aRestartMessage())], portsOver(aws));
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
