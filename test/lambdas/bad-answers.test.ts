/** Row 89 of the catalogue of bad inputs: what EC2 may answer. The stack's own EC2 answers well, so it is told here. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, it } from 'vitest';
import { INSTANCE } from './claimed.ts';
import { mockedAws, portsOver } from './mocked-aws.ts';

const LAUNCHED = new Date('2026-11-24T10:00:00Z');
const one = { InstanceId: INSTANCE, State: { Name: 'stopped' }, LaunchTime: LAUNCHED };
const other = { ...one, InstanceId: 'i-0ffffffffffffffff' };

it.each([
  ['a state that nobody knows', [{ Instances: [{ ...one, State: { Name: 'hibernating' } }] }], 'malformed'],
  ['a code for a state', [{ Instances: [{ ...one, State: { Code: 80 } }] }], 'malformed'],
  ['no state', [{ Instances: [{ InstanceId: INSTANCE }] }], 'malformed'],
  ['the instance in two reservations', [{ Instances: [one] }, { Instances: [one] }], 'malformed'],
  ['the instance twice in one', [{ Instances: [one, one] }], 'malformed'],
  ['another instance alone', [{ Instances: [other] }], 'absent'],
  ['a reservation of none', [{}], 'absent'],
])('row 89: EC2 answers with %s - unknown, and so no evidence', async (_what, Reservations, cause) => {
  const aws = mockedAws();
  aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: Reservations as never });
  const look = await portsOver(aws).ec2.look([INSTANCE]);
  expect(look.get(INSTANCE)?.probe).toEqual({ kind: 'unknown', cause });
});

it.each([
  ['no LaunchTime', { ...one, LaunchTime: undefined }],
  ['a LaunchTime that is none', { ...one, LaunchTime: new Date(NaN) }],
])('row 89: EC2 answers with %s - the state is known, the LaunchTime is not', async (_what, instance) => {
  const aws = mockedAws();
  aws.ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: [instance as never] }] });
  const look = await portsOver(aws).ec2.look([INSTANCE]);
  expect(look.get(INSTANCE)?.probe).toEqual({ kind: 'seen', state: 'stopped', instanceId: INSTANCE });
});

it('row 89: EC2 answers without a StateReason, and with others around - it is read all the same', async () => {
  const aws = mockedAws();
  aws.ec2
    .on(DescribeInstancesCommand)
    .resolves({ Reservations: [{ Instances: [other as never, one as never] }] });
  const look = await portsOver(aws).ec2.look([INSTANCE]);
  expect(look.get(INSTANCE)?.probe).toMatchObject({
    kind: 'seen',
    state: 'stopped',
    launchTimeMs: LAUNCHED.getTime(),
  });
});
