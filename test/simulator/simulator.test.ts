/** The simulator's own promises: the same seed is the same life, what a seed costs, and what the seeds have shown. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { coverageText, faultRows, goals, rowsWithTests, seenRows } from './coverage.ts';
import { Crew, liveAll } from './crew.ts';
import { live } from './life.ts';
import { profileNames } from './profiles.ts';
import { progressText } from './summary-text.ts';
import { nothing, tallyOf, together, type Tally } from './tally.ts';

/** How many lives in all: few in a hurry, as many as wanted in a night. */
const lives = Number(process.env['DEFIB_SIMULATED_SEEDS'] ?? 200_000);
const kinds = profileNames.filter((name) => name !== 'swarm');
const seedsOfAKind = Math.min(Math.ceil(lives / 50), 1000);
const seeds = Math.max(lives - kinds.length * seedsOfAKind, 1);
const jobs = 2;
const minutes = 20;
/** How often each row must have been shown; in a hurry once is enough. */
const shownAtLeast = lives < 20_000 ? 1 : 20;
/** Only for a life that never ends: a machine with a lot else to do needs thirty times as long as a quiet one. */
const patience = (count: number) => 120_000 + count * 100;
const rows = Array.from({ length: 85 }, (_, index) => index + 1);

const said = ({ broken }: Tally) =>
  broken.map(({ seed, invariant, what }) => `seed ${seed}: ${invariant}: ${what}`);

/** Says now and then how far it is. */
function progressOf(of: number): (tally: Tally) => void {
  const beganMs = Date.now();
  let toldMs = beganMs;
  return (tally) => {
    const nowMs = Date.now();
    if (nowMs - toldMs < 15_000) return;
    toldMs = nowMs;
    process.stderr.write(`${progressText(tally, of, nowMs - beganMs)}\n`);
  };
}

describe('lives', () => {
  let all = nothing;
  let crew: Crew;
  beforeAll(() => {
    crew = new Crew(jobs);
  });
  afterAll(() => crew.end());

  it(
    `${seeds} seeds of every kind of trouble - nothing breaks`,
    async () => {
      const onProgress = progressOf(seeds);
      const tally = await crew.live({ profile: 'swarm', minutes, from: 1, seeds, onProgress });
      all = together(all, tally);
      expect(said(tally)).toEqual([]);
      expect(tally.seeds).toBe(seeds);
    },
    patience(seeds),
  );

  it.each(kinds)(
    'a world of kind %s - nothing breaks',
    async (profile) => {
      const tally = await crew.live({ profile, minutes, from: 1, seeds: seedsOfAKind });
      all = together(all, tally);
      expect(said(tally)).toEqual([]);
    },
    patience(seedsOfAKind),
  );

  it(`of all of them - every row of the fault matrix that can be shown was shown ${shownAtLeast} times, and every goal reached`, () => {
    process.stdout.write(`${coverageText(all.counts).split('Everything:')[0] ?? ''}\n`);
    const rare = seenRows(all.counts).filter(({ count }) => count < shownAtLeast);
    expect(rare).toEqual([]);
    expect(goals.filter((goal) => (all.counts.get(goal) ?? 0) === 0)).toEqual([]);
  });
});

describe('the same seeds', () => {
  it('lived twice, on one thread and on two - have the same traces', async () => {
    const half = { profile: 'swarm', minutes: 5, from: 1, seeds: Math.min(1000, seeds) } as const;
    const [once, again] = [await liveAll({ ...half, jobs: 1 }), await liveAll({ ...half, jobs: 2 })];
    expect(again.hash).toBe(once.hash);
    expect(again.steps).toBe(once.steps);
  });

  it('lived in a thread, where schemas are compiled, and here, where they are not - have the same traces', async () => {
    let here = nothing;
    for (let seed = 1; seed <= 25; seed += 1)
      here = together(here, tallyOf(await live({ seed, profile: 'swarm', minutes })));
    const there = await liveAll({ profile: 'swarm', minutes, from: 1, seeds: 25, jobs: 1 });
    expect(there.hash).toBe(here.hash);
  });

  it('another seed - has another trace', async () => {
    const [one, other] = [1, 2].map((seed) => live({ seed, profile: 'swarm', minutes: 5 }));
    expect((await one)?.hash).not.toBe((await other)?.hash);
  });
});

describe('the cost of a life', () => {
  it('grows with its workspaces and no faster: steps per workspace of 100 are at most twice those of one', async () => {
    const stepsEach = async (workspaces: number): Promise<number> => {
      const tally = await liveAll({
        profile: 'calm',
        minutes: 10,
        from: 1,
        seeds: workspaces === 1 ? 30 : 1,
        jobs,
        workspaces,
      });
      return tally.steps / (tally.seeds * workspaces);
    };
    const [one, hundred] = [await stepsEach(1), await stepsEach(100)];
    expect(hundred / one).toBeLessThan(2);
  });

  it('in time too: a step in a world of 100 takes at most three times as long as in a world of one', async () => {
    const microsecondsEach = async (workspaces: number, count: number): Promise<number> => {
      const beganMs = performance.now();
      let steps = 0;
      for (let seed = 1; seed <= count; seed += 1)
        steps += (await live({ seed, profile: 'calm', minutes: 10, workspaces })).steps;
      return ((performance.now() - beganMs) * 1000) / steps;
    };
    await microsecondsEach(1, 10);
    const [one, hundred] = [await microsecondsEach(1, 40), await microsecondsEach(100, 1)];
    expect(hundred / one).toBeLessThan(3);
  });
});

describe('the fault matrix', () => {
  it('each row - is shown by the simulator, or by a test that has its number', () => {
    expect([...Object.keys(faultRows).map(Number), ...rowsWithTests].sort((a, b) => a - b)).toEqual(rows);
    // Other files have numbers of other lists: of scenarios, and of bad inputs.
    const texts = ['scenarios', 'lambdas'].flatMap((folder) => {
      const where = path.join(import.meta.dirname, '..', folder);
      return readdirSync(where)
        .filter((name) => (folder === 'scenarios' ? name.includes('-faults') : !name.includes('bad-input')))
        .map((name) => readFileSync(path.join(where, name), 'utf8'));
    });
    const isNamed = (row: number) =>
      texts.some((text) => new RegExp(`(?:it\\(|\\)\\(\\s*)['"]${row}[ :]`).test(text));
    const missing = rowsWithTests.filter((row) => !isNamed(row));
    expect(missing).toEqual([]);
  });
});
