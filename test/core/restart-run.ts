/**
 * The restart function in a few lines, for property tests: it asks the core what is next and makes each step durable
 * before the effect, as lambdas/restart does. What EC2 answers, and whether the answer arrives, is up to the test.
 */
import { RESTART_DEADLINE_MS } from '../../core/claim.ts';
import type { Probe } from '../../core/facts.ts';
import { nextRestartAction, type RestartAction } from '../../core/restart.ts';
import type { Claim, Workspace } from '../../core/workspace.ts';
import { at, policy } from './builders.ts';

const STOP_LEASE_MS = 20_000;

export type Claimed = Workspace & { readonly claim: Claim };

export interface Receive {
  readonly nowMs: number;
  readonly probe: Probe;
  /** `lost`: the effect took place, and nobody was told. `refused`: it did not. */
  readonly answer: 'arrives' | 'lost' | 'refused';
}

/** One receive of the restart message: what was done, and the workspace after it. Undefined: the claim has ended. */
export function received(
  workspace: Claimed,
  { nowMs, probe, answer }: Receive,
): { action: RestartAction; workspace: Claimed | undefined } {
  const { claim } = workspace;
  const action = nextRestartAction({ workspace, claim, probe, now: at(nowMs), policy });
  const advanced = (changes: Partial<Claim>, settleUntilMs = workspace.settleUntilMs) => ({
    action,
    workspace: { ...workspace, settleUntilMs, claim: { ...claim, ...changes } },
  });
  const started = (changes: Partial<Claim>, startedAtMs: number) => {
    const settleUntilMs = Math.max(workspace.settleUntilMs, startedAtMs + policy.settleWindowMs);
    const deadlineMs = nowMs + RESTART_DEADLINE_MS;
    return advanced({ ...changes, step: 'starting', startedAtMs, deadlineMs, settleUntilMs }, settleUntilMs);
  };
  switch (action.do) {
    case 'admit':
      return answer === 'arrives' ? advanced({ step: 'admitted' }) : { action, workspace };
    case 'start': {
      const intent = { step: 'start-issued', attempt: claim.attempt + 1 } as const;
      const starts = (claim.starts ?? 0) + 1;
      return answer === 'arrives' ? started({ ...intent, starts }, nowMs) : advanced(intent);
    }
    case 'soften':
      return answer === 'refused'
        ? { action, workspace }
        : advanced({ softUntilMs: nowMs + policy.softRestartMs });
    case 'stop': {
      const stopLeaseUntilMs = nowMs + STOP_LEASE_MS;
      if (answer === 'refused') return { action, workspace: undefined };
      return advanced({ step: answer === 'arrives' ? 'stop-recorded' : 'stop-issued', stopLeaseUntilMs });
    }
    case 'adopt':
      return answer === 'arrives' ? started({}, action.launchTimeMs) : { action, workspace };
    case 'wait':
      return { action, workspace };
    case 'step-back': {
      const deadlineMs = action.because === 'not-its-turn' ? nowMs + RESTART_DEADLINE_MS : claim.deadlineMs;
      return answer === 'arrives'
        ? advanced({ step: 'awaiting-admission', deadlineMs })
        : { action, workspace };
    }
    case 'finish':
      return { action, workspace: undefined };
  }
}
