/** Drives the rows of the truth table through the looks, as the flow makes them, and compares every look with the oracle. */
import { sightingOf, type Facts } from '../../core/facts.ts';
import { judge } from '../../core/judge.ts';
import type { Call, Reason, Rule } from '../../core/verdict.ts';
import type { Evidence } from '../../core/workspace.ts';
import { evidenceOf } from '../../lambdas/judging/evidence.ts';
import { notMade, policy } from './builders.ts';
import { opinion, type Opinion } from './oracle.ts';
import { runs } from './runs.ts';
import {
  factsAt,
  inWords,
  probeAt,
  rowCount,
  scatteredRows,
  workspaceAt,
  type LookNo,
  type Row,
} from './truth-table.ts';

/** What was said at one look: before the probe and, where it was asked for, after it. */
export interface Said {
  readonly look: LookNo;
  readonly call: Call;
  readonly reason: Reason;
}

export interface Story {
  readonly row: Row;
  readonly said: readonly Said[];
  readonly last: Call;
}

export interface Table {
  readonly stories: readonly Story[];
  /** How often each row of the verdict table decided, by the oracle. */
  readonly decided: ReadonlyMap<Rule, number>;
  /** The first few differences, by the row of the verdict table that should have decided. */
  readonly broken: ReadonlyMap<Rule, readonly string[]>;
}

let table: Table | undefined;

/** The whole table (a mutation run takes every tenth row of it), driven once. Not when a file is loaded: whoever mutates the judge wants to see which test ran it. */
export function wholeTable(): Table {
  table ??= drivenTable();
  return table;
}

function drivenTable(): Table {
  const decided = new Map<Rule, number>();
  const broken = new Map<Rule, string[]>();
  const compare = ({ row, look, facts }: LookedAt): Opinion => {
    const said = judge(facts, policy);
    const expected = opinion(facts, policy);
    decided.set(expected.rule, (decided.get(expected.rule) ?? 0) + 1);
    const difference = differenceBetween(said, expected);
    if (difference !== undefined) {
      const failures = broken.get(expected.rule) ?? [];
      broken.set(expected.rule, failures);
      if (failures.length < 3) failures.push(`${difference}, at look ${look + 1} of [${inWords(row)}]`);
    }
    return said;
  };
  const stories = [...scatteredRows(runs(rowCount()).numRuns)].map((row) => told(row, compare));
  return { stories, decided, broken };
}

/** One look of one row, before its probe or after it. */
export interface LookedAt {
  readonly row: Row;
  readonly look: LookNo;
  readonly facts: Facts;
}

/** What is wrong with a judgement, beginning with the row of the verdict table that broke; undefined when all is well. */
export function differenceBetween(said: Opinion, expected: Opinion): string | undefined {
  const { call, reason, rule } = said;
  if (call === expected.call && reason === expected.reason && rule === expected.rule) return undefined;
  return (
    `${expected.rule} broke: expected ${expected.call}/${expected.reason}, ` +
    `the judge says ${call}/${reason} by ${rule}`
  );
}

/** Look only if it is asked for; write evidence of a first sighting; look again two seconds later, and once more. */
export function told(row: Row, judged: (lookedAt: LookedAt) => Opinion): Story {
  const said: Said[] = [];
  let evidence: Evidence | undefined;
  let last: Call = 'probe';
  for (const look of [0, 1, 2] as const satisfies readonly LookNo[]) {
    const workspace = { ...workspaceAt(row, look), ...(evidence && { evidence }) };
    for (const probe of [notMade, probeAt(row, look)]) {
      const facts = factsAt(row, look, { workspace, probe });
      const { call, reason, rule } = judged({ row, look, facts });
      said.push({ look, call, reason });
      last = call;
      // A judge that is broken may suspect where nothing was sighted; that is told above, and must not throw here.
      const isSighting = sightingOf(facts, workspace, policy) !== undefined;
      if (rule === '9-first-sighting' && isSighting)
        evidence = evidenceOf('verdict-1', workspace, { facts, policy, lookedByMs: facts.now.latestMs });
      if (call !== 'probe') break;
    }
    if (last !== 'suspect' && last !== 'probe-queued') break;
  }
  return { row, said, last };
}
