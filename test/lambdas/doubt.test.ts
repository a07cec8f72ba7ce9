/** Facts that can't be true lead to busy, and somebody is told: else a dead workspace could stay dead for ever (S15). */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../../core/workspace.ts';
import { handleForwardError } from '../../lambdas/forward-error/handle.ts';
import { handleReprobes } from '../../lambdas/reprobe/handle.ts';
import { forwardError, received } from './calls.ts';
import { aStoredWorkspace, ec2Shows, holds, mockedAws, NOW_MS, portsOver } from './mocked-aws.ts';

let aws: ReturnType<typeof mockedAws>;
let ports: ReturnType<typeof portsOver>;
beforeEach(() => {
  aws = mockedAws();
  ports = portsOver(aws);
  ec2Shows(aws, 'stopped');
});

const beatAt = (atMs: number): Partial<Workspace> => ({
  heartbeat: { atMs, seq: 41, bootId: 'boot-a', intervalMs: 5000, activeTasks: 0 },
  freshUntilMs: NOW_MS - 300_000,
});

describe.each([
  [4999, false],
  [5000, false],
  [5001, true],
])('a beat of %i ms ahead of the function', (aheadMs, isInDoubt) => {
  it(`at the first look - counted for the alarm: ${String(isInDoubt)}`, async () => {
    holds(aws, aStoredWorkspace(beatAt(NOW_MS + aheadMs)));
    const answer = await handleForwardError(forwardError({ error: { kind: 'refused' } }), ports);
    expect(answer.body?.['reason'] === 'facts-malformed').toBe(isInDoubt);
    expect(ports.log.counted.includes('FactsInDoubt')).toBe(isInDoubt);
  });

  it(`at the second look - counted for the alarm: ${String(isInDoubt)}`, async () => {
    holds(aws, aStoredWorkspace(beatAt(NOW_MS + aheadMs)));
    const message = {
      ...{ v: 1 as const, kind: 'reprobe' as const, workspaceId: 'ws-1', instanceId: 'i-0123456789abcdef0' },
      ...{ generation: 3, epoch: 0, verdictId: '01KAVERDCTAAAAAAAAAAAAAAAA', errorKind: 'refused' as const },
    };
    await handleReprobes([received(message)], ports);
    const receipt = aws.dynamo.commandCalls(PutCommand).at(-1)?.args[0].input.Item?.['receipt'] as
      { verdict: string; reason: string } | undefined;
    expect(receipt?.reason === 'facts-malformed').toBe(isInDoubt);
    expect(receipt?.verdict).not.toBe('dead');
    expect(ports.log.counted.includes('FactsInDoubt')).toBe(isInDoubt);
  });
});
