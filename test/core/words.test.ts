/** The lists of words that contracts and stored items depend on: a word that vanishes would orphan what was stored. */
import { describe, expect, it } from 'vitest';
import { isInstanceState, isRecord, judgedPart, unknownCauses } from '../../core/facts.ts';
import { assertNever, InvariantViolation } from '../../core/invariant.ts';
import { MESSAGE_VERSION, UNKNOWN_VERSION_RECEIVES } from '../../core/messages.ts';
import { rules, verdicts } from '../../core/verdict.ts';
import { claimSteps, instanceStates, isPaused } from '../../core/workspace.ts';
import { aClaim, aMuteWorkspace, anEvidence, aWorkspace, NOW_MS } from './builders.ts';

describe('words', () => {
  it('the verdicts are three, and pending', () => {
    expect([...verdicts]).toEqual(['alive', 'busy', 'dead', 'pending']);
  });

  it('the rows of the table are numbered in the order in which they decide', () => {
    const numbers = rules.map((rule) => rule.split('-')[0] ?? '');
    const inOrder = [...numbers].sort(
      (one, other) => parseInt(one) - parseInt(other) || (one < other ? -1 : 1),
    );
    expect(numbers).toEqual(inOrder);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('a claim goes through seven steps', () => {
    expect([...claimSteps]).toEqual([
      'awaiting-approval',
      'awaiting-admission',
      'admitted',
      'stop-issued',
      'stop-recorded',
      'start-issued',
      'starting',
    ]);
  });

  it('only the states that EC2 documents are states', () => {
    expect([...instanceStates]).toEqual([
      'pending',
      'running',
      'stopping',
      'stopped',
      'shutting-down',
      'terminated',
    ]);
    for (const state of instanceStates) expect(isInstanceState(state)).toBe(true);
    for (const other of ['Running', 'rebooting', '', undefined, null, 16, ['running']]) {
      expect(isInstanceState(other)).toBe(false);
    }
  });

  it('a probe has six ways not to know', () => {
    expect([...unknownCauses]).toEqual(['throttled', 'error', 'absent', 'not-found', 'malformed', 'shared']);
  });

  it('messages are of version 1, and one of another version is patient for five receives', () => {
    expect([MESSAGE_VERSION, UNKNOWN_VERSION_RECEIVES]).toEqual([1, 5]);
  });

  it('what can be read from - objects, and nothing else', () => {
    expect([{}, [], null, undefined, 'x', 5, true].map(isRecord)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('the judged part of a workspace', () => {
  it('all that is evidence, and nothing that is not there', () => {
    const pause = { by: 'role/operator', reason: 'x' };
    const whole = aWorkspace({ pause, evidence: anEvidence(), claim: aClaim() });
    const { port, protocol, path, recentRestartsMs, ...judged } = whole;
    expect([port, protocol, path, recentRestartsMs]).toEqual([8080, 'http', '', []]);
    expect(judgedPart(whole)).toEqual(judged);
    expect(Object.keys(judgedPart(aMuteWorkspace())).sort()).toEqual([
      'desired',
      'freshUntilMs',
      'generation',
      'instanceId',
      'settleBecause',
      'settleUntilMs',
      'workspaceId',
    ]);
  });
});

describe('whether a person wants it down', () => {
  const pause = { by: 'role/operator', reason: 'x' };

  it('wanted stopped, or anything that is not running - down', () => {
    expect(isPaused({ desired: 'stopped' }, NOW_MS)).toBe(true);
    expect(isPaused({ desired: 'up' as 'running' }, NOW_MS)).toBe(true);
    expect(isPaused({ desired: 'running' }, NOW_MS)).toBe(false);
  });

  it('paused without an end, or with one that has not come - down', () => {
    expect(isPaused({ desired: 'running', pause }, 8e15)).toBe(true);
    const until = { desired: 'running', pause: { ...pause, untilMs: NOW_MS } } as const;
    expect([NOW_MS - 1, NOW_MS, NOW_MS + 1].map((ms) => isPaused(until, ms))).toEqual([true, false, false]);
  });
});

describe('a broken promise of the code to itself', () => {
  it('has a name, and says which case nobody handles', () => {
    const broken = () => assertNever({ kind: 'odd' } as never);
    expect(broken).toThrow(InvariantViolation);
    expect(broken).toThrow('Unhandled case: {"kind":"odd"}');
    expect(new InvariantViolation('x').name).toBe('InvariantViolation');
  });
});
