import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../../core/invariant.ts';
import { isKeyFreed, refusalOfHeld } from '../../core/held.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import { reasonMeaning, verdicts, type Reason, type Verdict } from '../../core/verdict.ts';
import { aClaim, aRequest, aWorkspace, at, NOW_MS } from './builders.ts';
import { step } from './delivery-step.ts';

describe('a request that a verdict holds back', () => {
  const held = aRequest({ heldBy: 'verdict-1' });
  const finally_ = (verdict: Verdict, reason: Reason = 'stopped') => ({ verdict, reason, final: true });

  it('the verdict is pending, or not written yet - left alone for a moment', () => {
    const waits = { do: 'defer', because: 'held', soon: true };
    expect(step({ request: held, holder: { verdict: 'pending', reason: 'suspect', final: false } })).toEqual(
      waits,
    );
    expect(step({ request: held, holder: { verdict: 'dead', reason: 'stopped', final: false } })).toEqual(
      waits,
    );
    expect(step({ request: held, holder: 'absent' })).toEqual(waits);
    expect(step({ request: held })).toEqual(waits);
  });

  it.each([
    [90_000, 'defer'],
    [90_001, 'attempt'],
  ])('a verdict that has not come %i ms after the request, by the earliest end - %s', (waitedMs, what) => {
    const request = { ...held, acceptedAtMs: NOW_MS - waitedMs };
    const now = at(NOW_MS, NOW_MS + 60_000);
    for (const holder of ['absent', { verdict: 'pending', reason: 'suspect', final: false }] as const) {
      expect(step({ request, holder, now }).do).toBe(what);
    }
  });

  it('busy - released', () => {
    expect(step({ request: held, holder: finally_('busy', 'settling') })).toEqual({ do: 'attempt' });
  });

  it('dead - refused, or released when it was to be parked', () => {
    expect(step({ request: held, holder: finally_('dead') })).toEqual({
      do: 'end',
      state: 'refused',
      why: 'dead',
      freesKey: true,
    });
    expect(step({ request: { ...held, whenDead: 'park' }, holder: finally_('dead') })).toEqual({
      do: 'attempt',
    });
  });

  it('dead, and an attempt was made - refused, but its key is not free: an agent may have it', () => {
    const request = { ...held, attempts: 1 };
    expect(step({ request, holder: finally_('dead') })).toMatchObject({ why: 'dead', freesKey: false });
  });

  it('held by nothing - a verdict of its workspace says nothing of it', () => {
    expect(step({ holder: finally_('dead') })).toEqual({ do: 'attempt' });
  });

  it('released, but the workspace is not ready - it waits like any other', () => {
    const workspace = aWorkspace({ claim: aClaim() });
    const request = { ...held, whenDead: 'park' } as const;
    expect(step({ request, holder: finally_('dead'), workspace })).toMatchObject({ because: 'restarting' });
  });
});

describe('whether the end of a request has freed its key', () => {
  it.each([
    ['refused', 'never-accepted', 0, true],
    ...['dead', 'gone', 'agent-restarting', 'unreachable', 'upstream-error'].flatMap(
      (why) =>
        [
          ['refused', why, 0, true],
          ['refused', why, 1, false],
          ['parked', why, 0, false],
        ] as const,
    ),
    ['refused', 'ambiguous', 0, false],
    ['refused', 'workspace-removed', 0, false],
    ['refused', undefined, 0, false],
    ['delivered', undefined, 1, false],
  ] as const)('%s, %s, after %i attempts - %s', (state, why, attempts, isFree) => {
    expect(isKeyFreed({ state, attempts, ...(why !== undefined && { why }) })).toBe(isFree);
  });
});

describe('how a final verdict ends what it held back', () => {
  const classes = ['agent-restarting', 'upstream-busy', 'unreachable', 'upstream-error'] as const;
  const refusal = (
    verdict: Verdict,
    reason: Reason,
    request: Partial<Pick<ParkedRequest, 'whenDead' | 'errorClass'>> = {},
  ) => refusalOfHeld({ whenDead: 'refuse', errorClass: 'agent-restarting', ...request }, { verdict, reason });

  it('busy or still pending - not at all', () => {
    for (const errorClass of classes) {
      expect(refusal('busy', 'settling', { errorClass })).toBeUndefined();
      expect(refusal('pending', 'suspect', { errorClass })).toBeUndefined();
    }
  });

  it('dead - refused as dead, and released when it was to be parked', () => {
    expect(refusal('dead', 'stopped')).toBe('dead');
    expect(refusal('dead', 'silent')).toBe('dead');
    expect(refusal('dead', 'stopped', { whenDead: 'park' })).toBeUndefined();
  });

  it('terminated - gone, even when it was to be parked: there is nothing to wait for', () => {
    expect(refusal('dead', 'terminated')).toBe('gone');
    expect(refusal('dead', 'terminated', { whenDead: 'park' })).toBe('gone');
  });

  it('alive - refused with the code of its error, and released after a deadline', () => {
    expect(classes.map((errorClass) => refusal('alive', 'running', { errorClass }))).toEqual([
      'agent-restarting',
      undefined,
      'unreachable',
      'upstream-error',
    ]);
  });

  it('a verdict that nobody knows - a bug, loudly', () => {
    expect(() => refusal('zombie' as Verdict, 'stopped')).toThrow(InvariantViolation);
  });

  it('every verdict and reason has an answer', () => {
    for (const verdict of verdicts)
      for (const reason of Object.keys(reasonMeaning) as Reason[])
        for (const errorClass of classes)
          expect(() => refusal(verdict, reason, { errorClass })).not.toThrow();
  });
});
