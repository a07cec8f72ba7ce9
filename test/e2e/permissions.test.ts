import { EC2Client, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { beforeAll, describe, expect, it } from 'vitest';
import { assumeRole } from '../../local/callers.ts';
import type { RoleKey } from '../../local/local-info.ts';
import { instanceState, launch, local, tag, untilInstanceIs } from './fleet.ts';

let tagged: string;
let untagged: string;
let otherTag: string;
beforeAll(async () => {
  [tagged, untagged, otherTag] = await Promise.all([launch(), launch(false), launch(false)]);
  await tag(otherTag, local.workspaceTag.Key, 'false');
  await Promise.all([tagged, untagged, otherTag].map((id) => untilInstanceIs(id, 'running')));
});

const roles = Object.keys(local.roles) as RoleKey[];
const power = async (role: RoleKey) =>
  new EC2Client({
    endpoint: local.ec2ProxyUrl,
    region: local.region,
    credentials: await assumeRole(local, role, 'permission-test'),
    maxAttempts: 1,
  });

describe('the power to stop and start', () => {
  it.each(roles.filter((role) => role !== 'restartFunction'))(
    '%s can neither stop nor start an instance',
    async (role) => {
      const ec2 = await power(role);
      const denied = expect.objectContaining({ name: 'UnauthorizedOperation' }) as unknown;
      await expect(ec2.send(new StopInstancesCommand({ InstanceIds: [tagged] }))).rejects.toEqual(denied);
      await expect(ec2.send(new StartInstancesCommand({ InstanceIds: [tagged] }))).rejects.toEqual(denied);
      expect(await instanceState(tagged)).toBe('running');
    },
  );

  it('the restart function can touch no instance without the tag, nor with another value of it', async () => {
    const ec2 = await power('restartFunction');
    const denied = expect.objectContaining({ name: 'UnauthorizedOperation' }) as unknown;
    for (const id of [untagged, otherTag]) {
      await expect(ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))).rejects.toEqual(denied);
      await expect(ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))).rejects.toEqual(denied);
      expect(await instanceState(id)).toBe('running');
    }
  });

  it('the restart function can stop and start an instance of the fleet', async () => {
    const ec2 = await power('restartFunction');
    await ec2.send(new StopInstancesCommand({ InstanceIds: [tagged] }));
    await untilInstanceIs(tagged, 'stopped');
    await ec2.send(new StartInstancesCommand({ InstanceIds: [tagged] }));
    await untilInstanceIs(tagged, 'running');
  });
});
