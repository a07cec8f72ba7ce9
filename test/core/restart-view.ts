/** A claim and what is seen of its instance, for tests of the next step: the instance is down, unless they say otherwise. */
import type { Probe } from '../../core/facts.ts';
import { nextRestartAction, type RestartAction, type RestartView } from '../../core/restart.ts';
import type { Claim } from '../../core/workspace.ts';
import {
  aClaim,
  aWorkspace,
  at,
  deepFrozen,
  notMade,
  NOW_MS,
  OTHER_INSTANCE,
  policy,
  seen,
  seenWithoutLaunch,
} from './builders.ts';

/** A claim that was admitted a moment ago, and its instance, seen stopped. */
export function view(overrides: Partial<RestartView> = {}): RestartView {
  return {
    workspace: aWorkspace({ settleUntilMs: NOW_MS + 60_000 }),
    claim: claimOf({}),
    probe: seen('stopped'),
    now: at(NOW_MS),
    policy,
    ...overrides,
  };
}

/** A claim that opened the settle window of {@link view}'s workspace. */
export function claimOf(overrides: Partial<Claim>): Claim {
  return aClaim({ settleUntilMs: NOW_MS + 60_000, ...overrides });
}

/** An action in a word: what it does, and for waits and ends why. */
function inWords(action: RestartAction): string {
  switch (action.do) {
    case 'wait':
    case 'step-back':
      return `${action.do}: ${action.because}`;
    case 'finish':
      return `${action.outcome}: ${action.because}`;
    case 'admit':
    case 'start':
    case 'soften':
    case 'stop':
    case 'adopt':
      return action.do;
  }
}

/** The next step, in words. */
export const next = (overrides: Partial<RestartView> = {}): string =>
  inWords(nextRestartAction(deepFrozen(view(overrides))));

/** What each step of a claim looks like when nothing is out of the ordinary. */
export const stepOf: Record<Claim['step'], Partial<Claim>> = {
  'awaiting-approval': { step: 'awaiting-approval' },
  'awaiting-admission': { step: 'awaiting-admission' },
  admitted: { step: 'admitted' },
  'stop-issued': { step: 'stop-issued', stopLeaseUntilMs: NOW_MS + 1 },
  'stop-recorded': { step: 'stop-recorded', stopLeaseUntilMs: NOW_MS - 60_000 },
  'start-issued': { step: 'start-issued', attempt: 1 },
  starting: { step: 'starting', attempt: 1, startedAtMs: NOW_MS - 20_000 },
};

/** All that may be seen. */
export const looks = {
  pending: seen('pending'),
  stopping: seen('stopping'),
  'shutting-down': seen('shutting-down'),
  stopped: seen('stopped'),
  terminated: seen('terminated'),
  running: seen('running'),
  'running anew': seen('running', { launchTimeMs: NOW_MS - 15_000 }),
  'running, nobody knows since when': seenWithoutLaunch('running'),
  'another instance': seen('stopped', { instanceId: OTHER_INSTANCE }),
  unknown: { kind: 'unknown', cause: 'throttled' },
  'not made': notMade,
} as const satisfies Record<string, Probe>;
export type Look = keyof typeof looks;
