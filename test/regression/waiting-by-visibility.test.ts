/**
 * Messages that wait by visibility keep the time of their first receive. Judged by that time alone, no window would
 * ever be past for them: a death that only deliver had noticed was never confirmed, and no restart was ever given up.
 */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';

import { rangeOfMessage } from '../../core/time.ts';
import { claimed, evidenceOf, started } from '../lambdas/claimed.ts';
import { aStoredWorkspace, ec2Shows, NOW_MS } from '../lambdas/mocked-aws.ts';
import { oneWorkspace } from '../lambdas/one-workspace.ts';
import { REQUEST, totalsItem } from '../lambdas/parked.ts';

const world = oneWorkspace();
const { hold, reprobes, settle, claimWrites, ended } = world;
const head = totalsItem({ head: { requestId: REQUEST, receiptHandle: 'head', notBeforeMs: 0 } });
const wakes = () => world.aws.sqs.commandCalls(ChangeMessageVisibilityCommand).length;

describe('a re-probe that made the first sighting itself', () => {
  it('comes back after 2 s, received for the first time before the evidence - confirms it', async () => {
    hold(aStoredWorkspace({ evidence: evidenceOf() }));
    ec2Shows(world.aws, 'stopped');
    const times = { receives: 2, sentAtMs: NOW_MS - 2100, firstReceivedAtMs: NOW_MS - 2050 };
    expect(await reprobes({ errorKind: 'unreachable' }, times)).toEqual({ kind: 'done' });
    expect(claimWrites()).toHaveLength(1);
  });
});

describe('a restart that waits', () => {
  it('its deadline passes - given up, however early the message was first received', async () => {
    const overdue = { sinceMs: NOW_MS - 900_000, startedAtMs: NOW_MS - 890_000, deadlineMs: NOW_MS - 1 };
    hold(claimed({ ...started, ...overdue }));
    ec2Shows(world.aws, 'running', { launchTimeMs: NOW_MS - 885_000 });
    const times = { receives: 300, sentAtMs: NOW_MS - 900_000, firstReceivedAtMs: NOW_MS - 899_000 };
    expect(await settle({}, times)).toEqual({ kind: 'done' });
    expect(ended()).toHaveLength(1);
  });
});

describe('the range of a message', () => {
  const times = { sentAtMs: 1000, delayMs: 0, firstReceivedAtMs: 2000 };

  it('begins no earlier than the answer of the database', () => {
    expect(rangeOfMessage(9000, { ...times, answeredAtMs: 8000 })).toEqual({
      earliestMs: 8000,
      latestMs: 9000,
    });
  });

  it('a clock that is ahead - still begins at what the others say', () => {
    expect(rangeOfMessage(900_000, { ...times, answeredAtMs: 8000 })).toMatchObject({ earliestMs: 8000 });
  });

  it('a clock that is behind - begins at that clock', () => {
    expect(rangeOfMessage(3000, { ...times, answeredAtMs: 8000 })).toEqual({
      earliestMs: 3000,
      latestMs: 8000,
    });
  });
});

describe("deliver's own question", () => {
  it('ends busy - the head is not woken, or deliver would ask again at once, and so on without end', async () => {
    hold(aStoredWorkspace({ freshUntilMs: NOW_MS + 10_000 }), [head]);
    ec2Shows(world.aws, 'stopped');
    expect(await reprobes({ errorKind: 'unreachable' })).toEqual({ kind: 'done' });
    expect(wakes()).toBe(0);
  });
});
