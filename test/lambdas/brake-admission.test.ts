/** The brake and the claims that ask whether they may act. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { brakeWorld, dead, openBrake, receiptBy, size, waiting } from './brake-world.ts';
import { TOKEN } from './claimed.ts';
import { fleetItem } from './fleet-items.ts';
import { NOW_MS } from './mocked-aws.ts';
import { conditionFailed } from './refused-writes.ts';

const world = brakeWorld();
const { hold, settle, admissions, written, probes, told, ec2Tells } = world;

describe('a claim that asks for admission', () => {
  it('its death is noted with zone, image, version tag and reporter', async () => {
    hold(waiting(), [fleetItem(), size, receiptBy('role/proxy')]);
    ec2Tells({
      Placement: { AvailabilityZone: 'us-east-1a' },
      ImageId: 'ami-1',
      Tags: [{ Key: 'defib:version', Value: '41f' }],
    });
    await settle();
    expect(written()).toMatchObject([
      {
        admitted: { [TOKEN]: { workspaceId: 'ws-1' } },
        deaths: [
          {
            workspaceId: 'ws-1',
            zone: 'us-east-1a',
            image: 'ami-1',
            version: '41f',
            reporter: 'role/proxy',
          },
        ],
      },
    ]);
    expect(admissions()).toHaveLength(1);
  });

  it('neither EC2 nor the receipt says anything - the death counts all the same', async () => {
    hold(waiting(), [fleetItem(), size]);
    world.aws.ec2.on(DescribeInstancesCommand).rejects(new Error('down'));
    await settle();
    expect(written()).toMatchObject([{ deaths: [{ workspaceId: 'ws-1' }] }]);
  });

  it('asks again while it waits - its death is noted once, EC2 is not asked, nothing is written', async () => {
    hold(waiting(), [
      openBrake({ deaths: dead(9).concat({ workspaceId: 'ws-1', atMs: NOW_MS - 1000 }) }),
      size,
    ]);
    expect(await settle({}, { receives: 9 })).toEqual({ kind: 'again', afterSeconds: 60 });
    expect(written()).toEqual([]);
    expect(probes()).toBe(0);
  });

  it('another write of the fleet item was faster - it asks anew, and nobody is paged', async () => {
    hold(waiting(), [fleetItem({ deaths: dead(8) }), size]);
    world.aws.dynamo.on(PutCommand).rejects(conditionFailed());
    expect(await settle()).toEqual({ kind: 'again', afterSeconds: 1 });
    expect(told()).toEqual([]);
    expect(admissions()).toEqual([]);
  });
});
