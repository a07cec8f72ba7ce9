/** A workspace's own numbers: refused outside their bounds and where they can't go together, and judged by from then on. */
import { beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings, settingTable, type SettingName } from '../../core/policy.ts';
import type { Workspace } from '../../core/workspace.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable } from '../../lambdas/adapters/table.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleOperate } from '../../lambdas/operate/handle.ts';
import { apiCall, forwardError } from './calls.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, portsOver, TABLE } from './mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
});

describe('numbers that cannot be used', () => {
  const registers = (policy: object) =>
    handleOperate(
      apiCall(
        'PUT /workspaces/{workspaceId}',
        { instanceId: 'i-0123456789abcdef0', port: 8080, policy },
        { caller: { principal: 'role/operator', roleName: 'operator', session: 's' } },
      ),
      {
        ...ports,
        registry: registry(openTable(TABLE)),
        workspaceTag: { Key: 'defib:workspace', Value: 'true' },
        operatorRoles: ['operator'],
        reporterRoles: ['proxy'],
      },
    );
  const numbers = (Object.keys(settingTable) as SettingName[]).flatMap((name) => {
    const setting = settingTable[name];
    return setting.kind === 'number' && setting.scope === 'workspace' ? [{ name, ...setting }] : [];
  });

  it.each(numbers)(
    '$name one below $minimum or above $maximum - refused by name and bound',
    async (setting) => {
      const { name, minimum, maximum } = setting;
      const refusal = (problem: string) => ({ problems: [{ field: `policy.${name}`, problem }] });
      await expect(registers({ [name]: minimum - 1 })).rejects.toMatchObject(
        refusal(`is less than ${minimum}`),
      );
      await expect(registers({ [name]: maximum + 1 })).rejects.toMatchObject(
        refusal(`is more than ${maximum}`),
      );
      expect(aws.dynamo.calls()).toHaveLength(0);
    },
  );

  it.each([
    [{ reprobeSeconds: 10, evidenceSeconds: 29 }, /evidenceSeconds .*\(30\), got 29/],
    [{ freshSeconds: 180 }, /silentAfterSeconds .*\(180\), got 180/],
    [{ skewSeconds: 16 }, /skewSeconds .*\(15\), got 16/],
  ])('%o beside the numbers of the fleet - refused, naming both', async (policy, text) => {
    await expect(registers(policy)).rejects.toThrow(text);
    expect(aws.dynamo.calls()).toHaveLength(0);
  });
});

describe('numbers that hold for one workspace', () => {
  const SILENT_MS = 31_000;
  const silentSince = (settings: Workspace['settings']): Workspace =>
    aStoredWorkspace({
      freshUntilMs: NOW_MS - SILENT_MS + 15_000,
      heartbeat: {
        ...{ atMs: NOW_MS - SILENT_MS, seq: 41, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 },
        declaresInterval: true,
      },
      ...(settings && { settings }),
    });
  const verdictOn = async (workspace: Workspace) => {
    holds(aws, workspace);
    const { body } = await handleForwardError(forwardError({ error: { kind: 'refused' } }), ports);
    return body;
  };

  it('it may be silent for 30 s only - 31 s are a sighting, where the fleet allows three minutes', async () => {
    ec2Shows(aws, 'running');
    expect(await verdictOn(silentSince(undefined))).toMatchObject({ verdict: 'alive' });
    expect(await verdictOn(silentSince({ silentAfterSeconds: 30 }))).toMatchObject({ verdict: 'pending' });
  });

  it('it settles for 5 s only - a launch of 6 s ago is past it, where the fleet waits for a minute', async () => {
    ec2Shows(aws, 'stopped', { launchTimeMs: NOW_MS - 6000 });
    expect(await verdictOn(aStoredWorkspace())).toMatchObject({ verdict: 'busy', reason: 'settling' });
    expect(await verdictOn(aStoredWorkspace({ settings: { settleSeconds: 5 } }))).toMatchObject({
      verdict: 'pending',
    });
  });

  it('the defaults are the numbers of the contract', () => {
    expect(defaultSettings).toMatchObject({
      ...{ settleSeconds: 60, reprobeSeconds: 2, freshSeconds: 15, evidenceSeconds: 30 },
      ...{ silentAfterSeconds: 180, skewSeconds: 5 },
    });
  });
});
