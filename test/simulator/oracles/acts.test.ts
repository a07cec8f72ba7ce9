/** S8, where the claim is over when its act arrives: who has ended it, and how long after the intent. */
import { expect, test } from 'vitest';
import type { Invocation } from '../invocation.ts';
import type { Machine } from '../machine.ts';
import { Truth } from '../truth.ts';
import { ActOracle } from './acts.ts';
import type { Witness } from './witness.ts';

const machine: Partial<Machine> = { instanceId: 'i-1', workspaceId: 'ws-1' };
const invocation: Partial<Invocation> = { name: 'restart', beganMs: 0 };

/** What is broken by an act on i-1, meant that long ago, where the workspace has no claim by now and is at an instance. */
function brokenBy(act: 'start' | 'stop', at: { instanceId?: string; meantForMs?: number }): string[] {
  const { instanceId, meantForMs } = at;
  const broken: string[] = [];
  const truth = new Truth();
  truth.machines.set('i-1', machine as Machine);
  const witness: Partial<Witness> = {
    truth,
    nowMs: () => 0,
    stored: () => ({ pk: 'WS#ws-1', sk: 'STATE', ...(instanceId !== undefined && { instanceId }) }),
    seen: () => {},
    broken: (invariant) => broken.push(invariant),
  };
  const done = { act, instanceId: 'i-1', before: 'stopped', wasAlive: false } as const;
  new ActOracle(witness as Witness).acts(done, invocation as Invocation, meantForMs);
  return broken;
}

test.each(['start', 'stop'] as const)(
  'a %s meant a moment ago, and the workspace has another instance by now, or is removed - no fence can tell',
  (act) => {
    expect(brokenBy(act, { instanceId: 'i-2', meantForMs: 20 })).toEqual([]);
    expect(brokenBy(act, { meantForMs: 20 })).toEqual([]);
  },
);

test.each(['start', 'stop'] as const)(
  'a %s meant longer ago than an invocation lives, or not at all, under another instance - S8',
  (act) => {
    expect(brokenBy(act, { instanceId: 'i-2', meantForMs: 24_000 })).toEqual(['S8']);
    expect(brokenBy(act, { instanceId: 'i-2' })).toEqual(['S8']);
  },
);

test('a start meant a moment ago, and a faster copy has ended the claim - no fence can tell, and it starts what is stopped', () => {
  expect(brokenBy('start', { instanceId: 'i-1', meantForMs: 20 })).toEqual([]);
});

test.each([
  ['stop', 20],
  ['start', 24_000],
  ['start', undefined],
] as const)('a %s meant %s ms ago, and Defib itself has ended the claim - S8', (act, meantForMs) => {
  const meant = meantForMs === undefined ? {} : { meantForMs };
  expect(brokenBy(act, { instanceId: 'i-1', ...meant })).toEqual(['S8']);
});
