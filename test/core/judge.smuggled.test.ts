/** A probe is read by its kind alone: members that only another kind may have, left in it by anybody, count for nothing. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../core/judge.ts';
import type { Probe } from '../../core/facts.ts';
import { instanceStates } from '../../core/workspace.ts';
import { deadlyFacts, notMade, NOW_MS, policy, seen } from './builders.ts';

const judged = (probe: Probe) => judge(deadlyFacts({ probe }), policy);

describe('a probe that carries members of another kind', () => {
  it.each(instanceStates)('an unknown one with the state %s beside - is still unknown', (state) => {
    const probe: Probe = { ...seen(state), kind: 'unknown', cause: 'error' };
    expect(judged(probe)).toMatchObject({ call: 'busy', reason: 'probe-inconclusive' });
  });

  it('an unknown one with a LaunchTime of a moment ago - does not make it settle', () => {
    const probe: Probe = {
      ...seen('running', { launchTimeMs: NOW_MS - 1 }),
      kind: 'unknown',
      cause: 'error',
    };
    expect(judged(probe)).toMatchObject({ reason: 'probe-inconclusive' });
  });

  it.each(['throttled', 'shared'] as const)('one that saw, with the cause %s beside - has seen', (cause) => {
    const probe: Probe = { ...seen('running'), ...{ cause } };
    expect(judged(probe)).toMatchObject({ call: 'alive' });
  });

  it('one that was not made, with all of it beside - is still to be made', () => {
    expect(judged({ ...seen('stopped'), ...notMade })).toMatchObject({ call: 'probe' });
  });
});
