/** The table's row in the words of the model: whole seconds since the story's begin, small numbers for ids, 0 for none. */
import { readWorkspaceItem } from '../../lambdas/adapters/workspace-item.ts';
import { NOW_MS } from '../lambdas/mocked-aws.ts';
import type { Row } from './model-run.ts';

export const instanceIdOf = (instance: number) => `i-0123456789abcde${String(instance).padStart(2, '0')}`;
export const bootIdOf = (boot: number) => `boot-${boot}`;
export const msOf = (seconds: number) => NOW_MS + seconds * 1000;

const seconds = (ms: number | undefined): number => (ms === undefined || ms === 0 ? 0 : (ms - NOW_MS) / 1000);
const numberIn = (id: string | undefined): number => Number(/(\d+)$/.exec(id ?? '')?.[1]?.slice(-2) ?? 0);
const boot = (id: string | undefined): number => Number(/-(\d+)$/.exec(id ?? '')?.[1] ?? 0);

/** Which id of the code is which number of the model: found out where both first speak of the same thing. */
export class VerdictNames {
  readonly #numbers = new Map<string, number>();

  /** The number of an id; an id that is new may only be one that the model expects now, and gave to no other. */
  number(id: string | undefined, expected: unknown): number {
    if (id === undefined) return 0;
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    if (typeof expected !== 'number' || expected === 0 || [...this.#numbers.values()].includes(expected))
      return -1;
    this.#numbers.set(id, expected);
    return expected;
  }
}

/** The row as the model would write it; `expected` is the model's own, and says only which ids may be new. */
export function rowOf(
  item: Record<string, unknown> | undefined,
  expected: Row,
  names: VerdictNames,
): unknown {
  const row = readWorkspaceItem(item);
  if (typeof row !== 'object') return row;
  const { evidence, claim, quarantine } = row;
  return {
    instance: numberIn(row.instanceId),
    generation: row.generation,
    desired: row.desired === 'running',
    settleUntil: seconds(row.settleUntilMs),
    freshUntil: seconds(row.freshUntilMs),
    boot: boot(row.heartbeat?.bootId),
    seq: row.heartbeat?.seq ?? 0,
    retired: boot(row.retiredBootId),
    previous: boot(row.previousBootId),
    previousSeq: row.previousSeq ?? 0,
    quarantine: names.number(quarantine?.verdictId, expected['quarantine']),
    restarts: row.recentRestartsMs.map(seconds),
    evidence: {
      verdict: names.number(evidence?.verdictId, expected.evidence['verdict']),
      at: seconds(evidence?.atMs),
      generation: evidence?.generation ?? 0,
      instance: numberIn(evidence?.instanceId),
      boot: boot(evidence?.bootId),
      seq: evidence?.seq ?? 0,
      launch: seconds(evidence?.launchTimeMs),
      round: evidence?.round ?? 0,
    },
    claim: {
      token: names.number(claim?.token, expected.claim['token']),
      kind: claim?.kind ?? '',
      forced: claim?.forced ?? false,
      step: claim?.step ?? '',
      attempt: claim?.attempt ?? 0,
      starts: claim?.starts ?? 0,
      epoch: claim?.epoch ?? 0,
      since: seconds(claim?.sinceMs),
      notBefore: seconds(claim?.notBeforeMs),
      deadline: seconds(claim?.deadlineMs),
      instance: numberIn(claim?.instanceId),
      launch: seconds(claim?.launchTimeMs),
      boot: boot(claim?.bootId),
      stopLease: seconds(claim?.stopLeaseUntilMs),
      settleUntil: seconds(claim?.settleUntilMs),
      startedAt: seconds(claim?.startedAtMs),
      heardAt: seconds(claim?.heardAtMs),
      heardBoot: boot(claim?.heardBootId),
    },
  };
}
