/**
 * No guard of the judge is idle: without any one of them the judge contradicts the oracle in what it does, and the
 * difference names the row of the verdict table that broke. The stories are those of the truth table; the oracle
 * leads them, so that the lame judge is asked about facts as they would have come about.
 */
import { describe, expect, it } from 'vitest';
import { judge, judgeBy, verdictTable, type VerdictTable } from '../../core/judge.ts';
import { rules } from '../../core/verdict.ts';
import { policy } from './builders.ts';
import { opinion } from './oracle.ts';
import { differenceBetween, told } from './truth-table-run.ts';
import { scatteredRows } from './truth-table.ts';
import { unusableFacts } from './unusable-facts.ts';

type GuardedRule = keyof typeof verdictTable;
/** Every row but the first, which has no workspace to judge, and the last, which is what passes all guards. */
const guarded = rules.filter(
  (rule): rule is GuardedRule => !['1-unknown-workspace', '11-dead'].includes(rule),
);

/** The first difference in deed, not only in words, that the lack of a guard makes where the whole judge errs not. */
function firstHarmWithout(missing: GuardedRule): string | undefined {
  const lame: VerdictTable = { ...verdictTable, [missing]: () => undefined };
  let harm: string | undefined;
  const ask = (facts: Parameters<typeof opinion>[0]): ReturnType<typeof opinion> => {
    const expected = opinion(facts, policy);
    const said = judgeBy(lame, facts, policy);
    const isOfTheLack = differenceBetween(judge(facts, policy), expected) === undefined;
    if (isOfTheLack && said.call !== expected.call) harm ??= differenceBetween(said, expected);
    return expected;
  };
  for (const [, , facts] of unusableFacts) ask(facts);
  for (const row of scatteredRows(20_000)) {
    if (harm) break;
    told(row, ({ facts }) => ask(facts));
  }
  return harm;
}

describe('the judge without one of its guards', () => {
  it('each row of the table between the first and the last has its guard, in the order of the rows', () => {
    expect(Object.keys(verdictTable)).toEqual(guarded);
  });

  it.each(guarded)(
    'without row %s it does something else than the table says, and the message names the row',
    (rule) => {
      expect(verdictTable, `row ${rule} of the verdict table has no guard`).toHaveProperty([rule]);
      const harm = firstHarmWithout(rule) ?? `nothing shows that row ${rule} is needed`;
      expect(harm).toMatch(new RegExp(`^${rule} broke: expected `));
    },
  );
});
