/** By what each invariant is held: oracles of this simulator, seen to bite by seeded bugs, or tests that name it. */

export interface Held {
  /** Files of oracles, or of tests from the root of the project. */
  readonly by: readonly string[];
  /** What of it they do not look at. */
  readonly not?: string;
}

export const heldByOracles: Readonly<Record<string, Held>> = {
  S1: { by: ['claims'] },
  S2: { by: ['claims', 'sightings'] },
  S3: { by: ['claims', 'boots', 'heard'] },
  S4: { by: ['claims', 'sightings'] },
  S5: { by: ['claims', 'cancelled'] },
  S6: { by: ['claims', 'boots'] },
  S7: { by: ['claims'] },
  S8: { by: ['acts', 'intents', 'ends'] },
  S9: { by: ['acts', 'claims', 'sightings'] },
  S10: { by: ['boots'], not: 'that a second Start finds a running instance is harmless, and counted only' },
  S11: { by: ['acts', 'modes'], not: 'permissions: test/lib/permissions.test.ts' },
  S12: { by: ['claims'], not: 'respectManualStop' },
  S13: { by: ['acts', 'claims', 'history', 'modes'] },
  S16: { by: ['true-times'] },
  S17: { by: ['claims', 'boots'] },
  S18: { by: ['claims'] },
  S19: { by: ['requests', 'attempts'] },
  S20: { by: ['requests'] },
  S21: { by: ['requests'] },
  S22: { by: ['requests', 'attempts'], not: 'what an agent makes of a second copy' },
  S23: { by: ['requests'] },
  S24: { by: ['requests', 'verdicts', 'expired'], not: 'how often an end is told' },
  S25: { by: ['requests'] },
  S26: { by: ['odd'], not: 'a done message that is named: it would only be done again' },
  S27: { by: ['verdicts', 'history'] },
  S28: { by: ['tenants'], not: 'two workspaces of one batch' },
  S29: { by: ['callers'], not: 'metrics, traces and attributes of queues' },
  S30: { by: ['callers', 'expired'] },
  S31: {
    by: ['probes'],
    not: 'the account: what bounds it is one look a batch, and the concurrency of the queues',
  },
  S32: { by: ['odd', 'versions'], not: 'receipts, which are written anew as this version knows them' },
  S35: { by: ['claims', 'verdicts'] },
  V1: { by: ['liveness', 'deadlines', 'requests', 'counters', 'expired'] },
  V2: { by: ['liveness', 'deadlines'] },
  V3: { by: ['liveness', 'deadlines'], not: 'the bound while things still go wrong' },
  V4: { by: ['capacity', 'history'], not: 'jitter, which is a goal and no rule of a single wait' },
  V5: { by: ['escalation', 'liveness', 'boots'], not: 'what is busy for another reason than stopping' },
  V6: { by: ['escalation'], not: 'the bound, which is V3 for an agent that is gone' },
  V7: { by: ['escalation'] },
  V8: { by: ['deadlines', 'attempts'], not: 'the bound while things still go wrong' },
  V9: { by: ['liveness', 'deadlines'] },
  V10: { by: ['odd'] },
};

export const heldByTests: Readonly<Record<string, Held>> = {
  S14: {
    by: ['test/lambdas/brake-faults.test.ts'],
    not: 'acts on other grounds than two looks are S4 and S8 here',
  },
  S15: { by: ['test/core/judge.properties.proof.test.ts', 'test/lambdas/doubt.test.ts'] },
  S33: { by: ['test/scenarios/parking-faults.test.ts'] },
  S34: { by: ['test/lambdas/parking-bad-input.test.ts'] },
  S36: { by: ['test/core/judge.properties.proof.test.ts'] },
  S37: { by: ['test/core/judge.properties.proof.test.ts'] },
  S38: { by: ['test/lambdas/redrive.test.ts'] },
  V11: { by: ['test/lambdas/crash-equivalence.proof.test.ts', 'test/simulator/interleavings.ts'] },
  V12: { by: ['test/simulator/coverage.ts'] },
};

export const invariantNames: readonly string[] = [
  ...Array.from({ length: 38 }, (_, index) => `S${index + 1}`),
  ...Array.from({ length: 12 }, (_, index) => `V${index + 1}`),
];

export function invariantsText(): string {
  const line = ([name, { by, not }]: readonly [string, Held]): string =>
    `${name.padStart(9)}  ${by.join(', ')}${not === undefined ? '' : `; not ${not}`}`;
  return [
    'Invariants that are held by oracles:',
    ...Object.entries(heldByOracles).map(line),
    'Invariants that are held by tests:',
    ...Object.entries(heldByTests).map(line),
  ].join('\n');
}
