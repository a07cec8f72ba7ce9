/**
 * Every combination of what can be seen and stored, driven through the looks as the flow makes them, and compared
 * with the oracle. Whoever breaks a row of the verdict table finds its name here.
 */
import { describe, expect, it } from 'vitest';
import { judge } from '../../core/judge.ts';
import { rules } from '../../core/verdict.ts';
import { at, deadlyFacts, deepFrozen, NOW_MS, policy } from './builders.ts';
import { opinion } from './oracle.ts';
import { runs } from './runs.ts';
import { differenceBetween, wholeTable, type Story } from './truth-table-run.ts';
import { inWords, rowCount, type Row } from './truth-table.ts';
import { unusableFacts } from './unusable-facts.ts';

/** Seconds at most; a machine that does much else may take longer. */
const patient = { timeout: 150_000 };

describe('the verdict table, every combination', patient, () => {
  it('the judge agrees with the oracle at every look of every row', () => {
    const broken = [...wholeTable().broken.values()].flat();
    expect(broken, broken[0]).toEqual([]);
  });

  it('has no fewer rows than were asked for', () => {
    expect(rowCount()).toBeGreaterThanOrEqual(18_000);
    expect(wholeTable().stories).toHaveLength(runs(rowCount()).numRuns);
  });

  const rulesOfTheStories = rules.filter((rule) => !['1-', '1a', '1b', '4a'].includes(rule.slice(0, 2)));
  it.each(rulesOfTheStories)('row %s decides where the table says, and as it says', (rule) => {
    const { broken, decided } = wholeTable();
    const differences = broken.get(rule) ?? [];
    expect(differences, differences[0]).toEqual([]);
    expect(decided.get(rule)).toBeGreaterThan(0);
  });

  it('no other row of the table decides any of these stories', () => {
    expect([...wholeTable().decided.keys()].filter((rule) => !rulesOfTheStories.includes(rule))).toEqual([]);
  });
});

describe('who dies, told by the words of the row alone', patient, () => {
  /** What a look counts for, by its word and the story around it. */
  function sighting(row: Row, look: 'first' | 'second'): 'stopped' | 'silent' | 'none' {
    const word = row[look];
    if (word === 'stopped' || word === 'terminated') return 'stopped';
    return word === 'running' && isSilent(row, look) ? 'silent' : 'none';
  }

  /** A promise broken for long enough, on a connection that nobody takes. */
  function isSilent({ heartbeat, error }: Row, look: 'first' | 'second'): boolean {
    const isUnheard =
      heartbeat === 'promised, and silent for long' ||
      heartbeat === 'promised, and silent under a busy lease' ||
      (heartbeat === 'promised, and silent until it came between the looks' && look === 'first') ||
      (heartbeat === 'promised, and silent long enough from the second look on' && look === 'second');
    return isUnheard && nobodyListens(error);
  }

  function nobodyListens(error: Row['error']): boolean {
    return error === 'refused' || error === 'reset' || error === 'eof';
  }

  /** The same once more, without facts or times: what must have happened for anybody to be called dead. */
  function dies(row: Row): boolean {
    const neverUnderSuspicion =
      row.asker === 'caller' ||
      row.claim === 'of another' ||
      row.claim === 'of another since' ||
      row.claim === 'our own since' ||
      row.pause !== 'none' ||
      (row.settle !== 'past' && row.settle !== 'ends at the first look') ||
      row.heartbeat === 'fresh' ||
      row.heartbeat === 'promised, and silent under a busy lease' ||
      row.heartbeat === 'promised, and silent until it came between the looks' ||
      row.heartbeat === 'came between the looks';
    if (neverUnderSuspicion || sighting(row, 'second') === 'none') return false;
    // Fresh at the first look: a sighting is busy, a throttled look is queued and made by the re-probe.
    if (row.heartbeat === 'fresh until the first look') return row.first === 'throttled';
    // Still fresh at the second look, which is the last one: a busy chain has ended.
    if (row.heartbeat === 'fresh until the second look') return false;
    return sighting(row, 'first') !== 'none' || row.first === 'throttled';
  }

  const storiesThat = (does: (story: Story) => boolean) => wholeTable().stories.filter(does);

  it('exactly the rows die that have two sightings by the re-probe and nothing that speaks against it', () => {
    const { stories } = wholeTable();
    const wrong = stories.filter(({ row, last }) => (last === 'dead') !== dies(row));
    expect(wrong.slice(0, 3).map(({ row, last }) => `${last}: ${inWords(row)}`)).toEqual([]);
    expect(stories.filter(({ last }) => last === 'dead').length).toBeGreaterThan(40);
  });

  it('the second look alone kills only where nothing changed since the first', () => {
    const atOnce = storiesThat(({ said }) => said.some(({ call, look }) => call === 'dead' && look === 1));
    const unchanged = atOnce.filter(
      ({ row }) =>
        sighting(row, 'first') === sighting(row, 'second') &&
        !row.heartbeat.startsWith('came between') &&
        row.claim === 'none',
    );
    expect(atOnce.length).toBeGreaterThan(10);
    expect(unchanged).toEqual(atOnce);
  });

  it('a running instance dies only of silence: promised, broken in this incarnation, and nobody listening', () => {
    const ofSilence = storiesThat(({ said }) => said.at(-1)?.reason === 'silent');
    expect(ofSilence.length).toBeGreaterThan(3);
    const others = ofSilence.filter(
      ({ row }) =>
        row.second !== 'running' ||
        !nobodyListens(row.error) ||
        (row.heartbeat !== 'promised, and silent for long' &&
          row.heartbeat !== 'promised, and silent long enough from the second look on'),
    );
    expect(others.map(({ row }) => inWords(row))).toEqual([]);
  });

  it('the first look never says dead, whatever it sees (S4)', () => {
    const early = storiesThat(({ said }) => said.some(({ call, look }) => call === 'dead' && look === 0));
    expect(early).toEqual([]);
  });

  it('a caller never says dead, even with valid evidence at hand', () => {
    expect(storiesThat(({ row, last }) => row.asker === 'caller' && last === 'dead')).toEqual([]);
  });

  it('paused, restarting and settling are judged without a probe', () => {
    const wasted = storiesThat(
      ({ row, said }) =>
        (row.pause === 'active' || row.claim === 'of another' || row.settle === 'inside') &&
        (said.length > 1 || said[0]?.call === 'probe'),
    );
    expect(wasted).toEqual([]);
  });
});

describe('the rows that speak of unusable facts', () => {
  it.each(unusableFacts)('row %s: %s', (rule, _what, unusable) => {
    const judgement = judge(deepFrozen(unusable), policy);
    const difference = differenceBetween(judgement, opinion(unusable, policy));
    expect(difference, difference).toBeUndefined();
    expect(judgement.rule).toBe(rule);
  });

  it('a message that waited is judged by both ends of its range', () => {
    const wide = deadlyFacts({ now: at(NOW_MS - 1, NOW_MS) });
    expect(judge(wide, policy)).toMatchObject(opinion(wide, policy));
    expect(judge(wide, policy).rule).toBe('10-not-yet');
  });
});
