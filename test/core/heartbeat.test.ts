import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideBeat,
  DEFAULT_INTERVAL_MS,
  freshUntilOf,
  isFresh,
  LONGEST_LEASE_MS,
  storedBeat,
  type Beat,
} from '../../core/heartbeat.ts';
import { claimSteps, type Workspace } from '../../core/workspace.ts';
import {
  aClaim,
  aHeartbeat,
  aMuteWorkspace,
  aWorkspace,
  BOOT,
  INSTANCE,
  NOW_MS,
  OTHER_INSTANCE,
  policy,
} from './builders.ts';

function aBeat(overrides: Partial<Beat> = {}): Beat {
  return { bootId: BOOT, seq: 42, intervalMs: 5000, declaresInterval: true, activeTasks: 0, ...overrides };
}
const decided = (workspace: Workspace, beat: Beat, from: { instanceId?: string; atMs?: number } = {}) =>
  decideBeat(workspace, beat, { instanceId: INSTANCE, atMs: NOW_MS, ...from });

describe('whether a sign of life still counts', () => {
  it.each([
    [-1, true],
    [0, true],
    [1, false],
  ])('%i ms from its end - %s: the last millisecond is included', (offsetMs, fresh) => {
    expect(isFresh(NOW_MS, NOW_MS + offsetMs)).toBe(fresh);
  });

  it('there was never one - it does not, at any time', () => {
    expect(isFresh(0, 0)).toBe(false);
    expect(isFresh(0, NOW_MS)).toBe(false);
  });
});

describe('how long a beat counts', () => {
  it('a quick agent - the fresh window', () => {
    expect(freshUntilOf(aBeat({ intervalMs: 1000 }), NOW_MS, policy)).toBe(NOW_MS + policy.freshWindowMs);
  });

  it('an agent that says nothing of its interval - the fresh window, which is three of the usual', () => {
    expect(freshUntilOf(aBeat({ intervalMs: DEFAULT_INTERVAL_MS }), NOW_MS, policy)).toBe(NOW_MS + 15_000);
    expect(3 * DEFAULT_INTERVAL_MS).toBe(policy.freshWindowMs);
  });

  it('a slow agent - three of its intervals, so that two may be missed', () => {
    expect(freshUntilOf(aBeat({ intervalMs: 5001 }), NOW_MS, policy)).toBe(NOW_MS + 15_003);
    expect(freshUntilOf(aBeat({ intervalMs: 60_000 }), NOW_MS, policy)).toBe(NOW_MS + 180_000);
  });

  it('an agent with a lease - as long as that', () => {
    const busyUntilMs = NOW_MS + 600_000;
    expect(freshUntilOf(aBeat({ busyUntilMs }), NOW_MS, policy)).toBe(busyUntilMs);
  });

  it.each([
    [-1, -1],
    [0, 0],
    [1, 0],
    [1e12, 0],
  ])('a lease %d ms from the longest - %d ms from it', (asked, given) => {
    const busyUntilMs = NOW_MS + LONGEST_LEASE_MS + asked;
    expect(freshUntilOf(aBeat({ busyUntilMs }), NOW_MS, policy)).toBe(NOW_MS + 15 * 60_000 + given);
    expect(storedBeat(aBeat({ busyUntilMs }), NOW_MS).busyUntilMs).toBe(NOW_MS + 15 * 60_000 + given);
  });

  it('a lease that is over, or shorter than the window - the window all the same', () => {
    for (const busyUntilMs of [0, NOW_MS - 1, NOW_MS + 14_999]) {
      expect(freshUntilOf(aBeat({ busyUntilMs }), NOW_MS, policy)).toBe(NOW_MS + 15_000);
    }
  });

  it('any beat - never shorter than the window, and never longer than its intervals or its longest lease', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 600_000 }),
        fc.option(fc.integer(), { nil: undefined }),
        (intervalMs, lease) => {
          const beat = aBeat({ intervalMs, ...(lease !== undefined && { busyUntilMs: NOW_MS + lease }) });
          const countsForMs = freshUntilOf(beat, NOW_MS, policy) - NOW_MS;
          expect(countsForMs).toBeGreaterThanOrEqual(policy.freshWindowMs);
          expect(countsForMs).toBeLessThanOrEqual(Math.max(15_000, 3 * intervalMs, LONGEST_LEASE_MS));
        },
      ),
    );
  });
});

describe('what becomes of a beat', () => {
  it('the next one of the same boot - recorded', () => {
    expect(decided(aWorkspace(), aBeat())).toEqual({ kind: 'same-boot' });
    expect(decided(aWorkspace(), aBeat({ seq: 1_000_000 }))).toEqual({ kind: 'same-boot' });
  });

  it.each([41, 40, 0])('number %i after number 41 - a replay: the sequence never moves back (S17)', (seq) => {
    expect(decided(aWorkspace(), aBeat({ seq }))).toEqual({ kind: 'refused', why: 'replayed' });
  });

  it('the first one ever, whatever its number - a new boot', () => {
    expect(decided(aMuteWorkspace(), aBeat({ seq: 0 }))).toEqual({ kind: 'new-boot' });
  });

  it('another boot, whatever its number - a new boot', () => {
    expect(decided(aWorkspace(), aBeat({ bootId: 'boot-2', seq: 1 }))).toEqual({ kind: 'new-boot' });
  });

  describe('of the boot before this one', () => {
    const late = { bootId: 'boot-0', seq: 99 };
    const after = (more: Partial<Workspace>) =>
      decided(aWorkspace({ previousBootId: 'boot-0', previousSeq: 98, ...more }), aBeat(late));
    const replayed = { kind: 'refused', why: 'replayed' };

    it.each([-1, 0])('%i ms from the end of what this one said - late: it is over (S17)', (offsetMs) => {
      expect(after({ freshUntilMs: NOW_MS - offsetMs })).toEqual(replayed);
    });

    it('this one has fallen silent, and may have been the late one - the other is heard (V5)', () => {
      expect(after({ freshUntilMs: NOW_MS - 1 })).toEqual({ kind: 'new-boot' });
    });

    it.each([
      [99, replayed],
      [100, replayed],
      [98, { kind: 'new-boot' }],
    ])('number 99, when %i was heard of it before - no number counts twice', (previousSeq, decision) => {
      expect(after({ freshUntilMs: NOW_MS - 1, previousSeq })).toEqual(decision);
    });

    it('nothing is kept of its numbers, and this one has fallen silent - it is heard, which makes nobody dead', () => {
      const { previousSeq: _unknown, ...workspace } = aWorkspace({
        previousBootId: 'boot-0',
        previousSeq: 1,
        freshUntilMs: NOW_MS - 1,
      });
      expect(decided(workspace, aBeat({ ...late, seq: 0 }))).toEqual({ kind: 'new-boot' });
    });

    it('in a restart - late, however long this one has been silent: it is not what was started', () => {
      const claim = aClaim({ step: 'starting', startedAtMs: NOW_MS - 9000 });
      expect(after({ claim, freshUntilMs: 1 })).toEqual(replayed);
    });
  });

  it('another instance - refused, even when all else is right', () => {
    expect(decided(aWorkspace(), aBeat(), { instanceId: OTHER_INSTANCE })).toEqual({
      kind: 'refused',
      why: 'wrong-instance',
    });
  });
});

describe('a beat while a restart is open', () => {
  const claimed = (overrides: Parameters<typeof aClaim>[0] = {}, more: Partial<Workspace> = {}) =>
    aWorkspace({ claim: aClaim(overrides), retiredBootId: BOOT, ...more });

  it('of the retired boot - dropped, but heard: the condemned agent lives', () => {
    for (const step of ['awaiting-approval', 'awaiting-admission', 'admitted'] as const) {
      expect(decided(claimed({ step }), aBeat())).toEqual({
        kind: 'refused',
        why: 'retired-boot',
        heard: true,
      });
    }
  });

  it.each(claimSteps.slice(3))(
    'of the retired boot at %s - dropped and not heard: the act is done',
    (step) => {
      expect(decided(claimed({ step }), aBeat())).toEqual({
        kind: 'refused',
        why: 'retired-boot',
        heard: false,
      });
    },
  );

  it.each(claimSteps.slice(3))(
    'of the boot that was condemned for silence, at %s - heard as long as nothing is started: the verdict was wrong',
    (step) => {
      const isStopped = step === 'stop-issued' || step === 'stop-recorded';
      const silent = { kind: 'silent', step } as const;
      expect(decided(claimed(silent), aBeat())).toMatchObject({ why: 'retired-boot', heard: isStopped });
      expect(decided(claimed({ ...silent, heardBootId: BOOT }), aBeat())).toMatchObject({ heard: false });
      expect(decided(claimed(silent), aBeat({ seq: 41 }))).toMatchObject({ heard: false });
      expect(decided(claimed({ kind: 'operator', step }), aBeat())).toMatchObject({ heard: false });
    },
  );

  it('of the retired boot, of which no beat is recorded - heard: it is no replay', () => {
    const workspace = aMuteWorkspace({ claim: aClaim(), retiredBootId: BOOT });
    expect(decided(workspace, aBeat({ seq: 0 }))).toMatchObject({ why: 'retired-boot', heard: true });
  });

  it('of the retired boot, and replayed - dropped and not heard: it is old news', () => {
    expect(decided(claimed(), aBeat({ seq: 41 }))).toMatchObject({ why: 'retired-boot', heard: false });
    expect(decided(claimed(), aBeat({ seq: 40 }))).toMatchObject({ why: 'retired-boot', heard: false });
  });

  it('of a retired boot that is not the last one recorded - heard whatever its number', () => {
    const workspace = claimed({}, { heartbeat: aHeartbeat({ bootId: 'boot-2', seq: 99 }) });
    expect(decided(workspace, aBeat({ seq: 1 }))).toMatchObject({ why: 'retired-boot', heard: true });
  });

  it('of the retired boot when one was heard before - not heard again', () => {
    const heard = claimed({ heardAtMs: NOW_MS - 1, heardBootId: BOOT });
    expect(decided(heard, aBeat())).toMatchObject({ heard: false });
    expect(decided(heard, aBeat({ bootId: 'boot-2' }))).toMatchObject({ heard: true });
  });

  it('of the retired boot when the restart is over - dropped: its old boot must not come to life', () => {
    expect(decided(aWorkspace({ retiredBootId: BOOT }), aBeat())).toMatchObject({
      why: 'retired-boot',
      heard: false,
    });
  });

  it('of a new boot before Start has succeeded - not its result, but heard', () => {
    expect(decided(claimed(), aBeat({ bootId: 'boot-2' }))).toEqual({
      kind: 'refused',
      why: 'before-start',
      heard: true,
    });
  });

  it.each([
    [-1, 'refused'],
    [0, 'new-boot'],
    [1, 'new-boot'],
  ])('of a new boot %i ms from the Start - %s', (offsetMs, kind) => {
    const workspace = claimed({ step: 'starting', startedAtMs: NOW_MS });
    const decision = decided(workspace, aBeat({ bootId: 'boot-2' }), { atMs: NOW_MS + offsetMs });
    expect(decision.kind).toBe(kind);
    if (kind === 'refused') expect(decision).toEqual({ kind, why: 'before-start', heard: false });
  });

  it('of the new boot once recorded - the same boot, as always', () => {
    const heartbeat = aHeartbeat({ bootId: 'boot-2', seq: 1 });
    const workspace = claimed(
      { step: 'starting', startedAtMs: NOW_MS - 9000 },
      { heartbeat, previousBootId: BOOT },
    );
    expect(decided(workspace, aBeat({ bootId: 'boot-2', seq: 2 }))).toEqual({ kind: 'same-boot' });
  });
});

describe('a beat as it is stored', () => {
  it('all that was said, stamped by the server', () => {
    expect(storedBeat(aBeat({ activeTasks: 3 }), NOW_MS)).toEqual({
      atMs: NOW_MS,
      seq: 42,
      bootId: BOOT,
      intervalMs: 5000,
      declaresInterval: true,
      activeTasks: 3,
    });
  });

  it('a lease that is short enough - as it was asked for', () => {
    expect(storedBeat(aBeat({ busyUntilMs: NOW_MS + 1000 }), NOW_MS).busyUntilMs).toBe(NOW_MS + 1000);
  });
});
