/** One probe a second and workspace, whatever the error rate (S31): who comes too late uses the winner's, if it is young. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../core/answer.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { forwardError } from './calls.ts';
import { memoryTable } from './memory-table.ts';
import { aStoredWorkspace, ec2Shows, itemOf, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
let table: ReturnType<typeof memoryTable>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  table = memoryTable(aws, () => ports.clock.nowMs());
  table.put(itemOf(aStoredWorkspace()));
  ec2Shows(aws, 'running');
});

const probes = () => aws.ec2.commandCalls(DescribeInstancesCommand).length;
function fails(): Promise<Answer> {
  const nowMs = ports.clock.nowMs();
  const now = { earliestMs: nowMs, latestMs: nowMs };
  return handleForwardError(
    forwardError({ error: { kind: 'refused' } }, { now, gatewayTimeMs: nowMs }),
    ports,
  );
}

describe('the probe that is shared', () => {
  it.each([
    [999, 1],
    [1000, 2],
    [1001, 2],
  ])(
    'another call %i ms after the first - %i probes in all, and both are answered by one',
    async (laterMs, expected) => {
      expect((await fails()).body).toMatchObject({ verdict: 'alive' });
      ports.clock.advance(laterMs);
      expect((await fails()).body).toMatchObject({ verdict: 'alive' });
      expect(probes()).toBe(expected);
    },
  );

  it('a hundred calls within a second - one probe, and no call is answered by less than it saw', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => fails()));
    expect(probes()).toBe(1);
    for (const { body } of answers) expect(['alive', 'busy']).toContain(body?.['verdict']);
  });

  it.each([
    ['999 ms old', 999, 3, 'alive', 'running'],
    ['1000 ms old', 1000, 3, 'alive', 'running'],
    ['1001 ms old', 1001, 3, 'busy', 'probe-shared'],
    ['of this very millisecond', 0, 3, 'alive', 'running'],
    ['from the future', -1, 3, 'busy', 'probe-shared'],
    ['of another generation', 0, 2, 'busy', 'probe-shared'],
  ])(
    'another call holds the lease, and the last probe is %s (%i ms, generation %i) - %s',
    async (_what, ageMs, generation, verdict, reason) => {
      const probe = {
        ...{ kind: 'seen', state: 'running', instanceId: 'i-0123456789abcdef0' },
        launchTimeMs: NOW_MS - 7_200_000,
      };
      table.put({
        ...{ pk: 'WS#ws-1', sk: 'PROBE' },
        leaseUntilMs: NOW_MS + 1,
        lastProbe: { atMs: NOW_MS - ageMs, generation, probe },
      });
      expect((await fails()).body).toMatchObject({ verdict, reason });
      expect(probes()).toBe(0);
    },
  );
});
