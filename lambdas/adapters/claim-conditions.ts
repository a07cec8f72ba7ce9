/**
 * The conditions of the claim's writes: all the guards of a claim, that it is as it was read, and the last look before an
 * act. A missing attribute makes its comparison false, so what is unknown allows nothing.
 */
import type { ClaimWrite } from '../../core/claim.ts';
import type { Claim } from '../../core/workspace.ts';
import type { LastLook } from '../ports/workspaces.ts';

/** The settle window only ever reaches further: one that was announced since the read stays (S17). */
export const noWindowCut = 'settleUntilMs <= :settleUntil';
export const claimNames = { '#token': 'token', '#step': 'step' } as const;
/** The claim is exactly as it was read: a second copy of a message that was faster makes this fail. */
export const sameClaim =
  'claim.#token = :token AND claim.epoch = :epoch AND claim.#step = :step AND claim.attempt = :attempt';

export function sameValues({ token, epoch, step, attempt }: Claim): Record<string, unknown> {
  return { ':token': token, ':epoch': epoch, ':step': step, ':attempt': attempt };
}

/** What is noted in a claim without a step, by the name of its value in a condition. */
const notes = { heardAtMs: ':heardAt', notBeforeMs: ':notBefore' } as const;
const noteNames = Object.keys(notes) as (keyof typeof notes)[];

/**
 * The whole claim is written anew: a beat that was heard, or a wait that was begun (V4), since it was read must not be
 * written over.
 */
export function notedAsRead(claim: Claim): string[] {
  return noteNames.map((name) =>
    claim[name] === undefined ? `attribute_not_exists(claim.${name})` : `claim.${name} = ${notes[name]}`,
  );
}

export function claimValues(claim: Claim): Record<string, unknown> {
  return {
    ...Object.fromEntries(
      noteNames.flatMap((name) => (claim[name] === undefined ? [] : [[notes[name], claim[name]]])),
    ),
    ...sameValues(claim),
  };
}

/** Every guard of the claim, one clause each. */
export function claimCondition(requires: ClaimWrite['requires']): {
  condition: string;
  values: Record<string, unknown>;
} {
  const clauses = [
    'generation = :generation',
    'instanceId = :instanceId',
    'desired = :running',
    'attribute_not_exists(claim)',
  ];
  const values: Record<string, unknown> = {
    ':generation': requires.generation,
    ':instanceId': requires.instanceId,
    ':running': 'running',
  };
  const add = (clause: string, name: string, value: unknown): void => {
    if (value === undefined) return;
    clauses.push(clause);
    values[name] = value;
  };
  add('evidence.verdictId = :verdictId', ':verdictId', requires.evidenceVerdictId);
  add('settleUntilMs <= :settledBefore', ':settledBefore', requires.settledBeforeMs);
  add('freshUntilMs < :staleBefore', ':staleBefore', requires.staleBeforeMs);
  add('(attribute_not_exists(pause) OR pause.untilMs <= :pauseEnd)', ':pauseEnd', requires.pauseEndedByMs);
  add('heartbeat.bootId = :bootId', ':bootId', requires.bootId);
  add('heartbeat.seq = :seq', ':seq', requires.seq);
  if (requires.notQuarantined) clauses.push('attribute_not_exists(quarantine)');
  if (requires.bootId === undefined) clauses.push('attribute_not_exists(heartbeat)');
  return { condition: clauses.join(' AND '), values };
}

/** The last look, in the same breath as the intent: generation, wish, pause, and the boot that was condemned. */
export function lastLookCondition(look: LastLook | undefined): {
  clauses: string[];
  values: Record<string, unknown>;
} {
  if (!look) return { clauses: [], values: {} };
  const clauses = ['generation = :generation', 'desired = :running'];
  const values: Record<string, unknown> = { ':generation': look.generation, ':running': 'running' };
  if (look.pauseEndedByMs !== undefined) {
    clauses.push('(attribute_not_exists(pause) OR pause.untilMs <= :pauseEnd)');
    values[':pauseEnd'] = look.pauseEndedByMs;
  }
  if (look.settle) {
    clauses.push('(settleUntilMs <= :claimSettle OR settleUntilMs <= :settledBy)');
    values[':claimSettle'] = look.settle.untilMs;
    values[':settledBy'] = look.settle.nowMs;
  }
  if (look.bootId !== undefined) {
    clauses.push('heartbeat.bootId = :bootId');
    values[':bootId'] = look.bootId;
  }
  return { clauses, values };
}
