import { describe, expect, it } from 'vitest';
import {
  commonFactors,
  groupsOf,
  isNewDeath,
  MOST_DEATHS,
  recentDeaths,
  tooManyDead,
  withDeath,
  type Death,
} from '../../core/deaths.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import { at, deepFrozen, NOW_MS, policy } from './builders.ts';

const dead = (count: number, changes: Partial<Death> = {}): Death[] =>
  Array.from({ length: count }, (_, index) => ({
    workspaceId: `dead-${index}`,
    atMs: NOW_MS - 1000,
    ...changes,
  }));
const isNews = (deaths: readonly Death[], death: Partial<Death> = {}, forgivenUntilMs?: number) =>
  isNewDeath(
    deepFrozen(deaths),
    { workspaceId: 'ws-1', atMs: NOW_MS, ...death },
    { now: at(NOW_MS), policy, ...(forgivenUntilMs !== undefined && { forgivenUntilMs }) },
  );

describe('a death that is told', () => {
  it('of a workspace that nobody has missed yet - is news', () => {
    expect(isNews(dead(3))).toBe(true);
  });

  it('once more by the same claim - is no news, a later one of the same workspace is', () => {
    const noted = [{ workspaceId: 'ws-1', atMs: NOW_MS - 10 }];
    expect(isNews(noted, { atMs: NOW_MS - 10 })).toBe(false);
    expect(isNews(noted, { atMs: NOW_MS - 11 })).toBe(false);
    expect(isNews(noted, { atMs: NOW_MS - 9 })).toBe(true);
  });

  it.each([
    [-1, true],
    [0, false],
    [1, false],
  ])('%i ms before the window begins - news: %s', (beforeMs, news) => {
    expect(isNews([], { atMs: NOW_MS - policy.brakeWindowMs - beforeMs })).toBe(news);
  });

  it.each([
    [-1, false],
    [0, false],
    [1, true],
  ])('%i ms after what was forgiven - news: %s', (afterMs, news) => {
    expect(isNews([], { atMs: NOW_MS - 500 + afterMs }, NOW_MS - 500)).toBe(news);
  });

  it('when the list is full - is news only if something older makes room', () => {
    expect(isNews(dead(MOST_DEATHS), { atMs: NOW_MS - 999 })).toBe(true);
    expect(isNews(dead(MOST_DEATHS), { atMs: NOW_MS - 1000 })).toBe(false);
    expect(isNews(dead(MOST_DEATHS - 1), { atMs: NOW_MS - 1000 })).toBe(true);
    const [oldest = { workspaceId: 'x', atMs: 0 }, ...others] = dead(MOST_DEATHS);
    expect(isNews([{ ...oldest, atMs: NOW_MS - 9000 }, ...others], { atMs: NOW_MS - 2000 })).toBe(true);
  });
});

describe('the list of deaths', () => {
  const add = (deaths: readonly Death[], death: Death) =>
    withDeath(deepFrozen(deaths), death, at(NOW_MS), policy);

  it('holds one entry a workspace, the latest, and none that is older than the window', () => {
    const old = { workspaceId: 'old', atMs: NOW_MS - policy.brakeWindowMs };
    const again = { workspaceId: 'dead-0', atMs: NOW_MS };
    expect(add([old, ...dead(2)], again)).toEqual([...dead(2).slice(1), again]);
    expect(recentDeaths([old], at(NOW_MS), policy)).toEqual([]);
    expect(recentDeaths([old], at(NOW_MS - 1), policy)).toEqual([old]);
  });

  it('drops its oldest when it is full', () => {
    const full = [...dead(MOST_DEATHS - 1), { workspaceId: 'oldest', atMs: NOW_MS - 2000 }];
    const next = add(full, { workspaceId: 'ws-1', atMs: NOW_MS });
    expect(next).toHaveLength(MOST_DEATHS);
    expect(next.map(({ workspaceId }) => workspaceId)).not.toContain('oldest');
  });

  it('at its fullest and with the longest texts - leaves room in an item of 400 KB, also beside all slots', () => {
    const long = 'x'.repeat(256);
    const facts = { isSilent: true, zone: long, image: long, version: long, reporter: long };
    let deaths: readonly Death[] = [];
    for (let index = 0; index < MOST_DEATHS + 10; index++) {
      const workspaceId = `${index}-`.padEnd(128, 'w');
      deaths = withDeath(deaths, { workspaceId, atMs: NOW_MS - 5000 + index, ...facts }, at(NOW_MS), policy);
    }
    const slots = Array.from({ length: 500 }, (_, index) => [
      `${index}`.padEnd(26, 't'),
      { workspaceId: 'w'.repeat(128), deadlineMs: NOW_MS },
    ]);
    const bytes = Buffer.byteLength(
      JSON.stringify({ deaths, admitted: Object.fromEntries(slots) as object }),
    );
    expect(bytes).toBeLessThan(380_000);
  });
});

describe('what deaths have in common', () => {
  const mixed: Death[] = [
    ...dead(3, { zone: 'us-east-1a', image: 'ami-1', reporter: 'role/proxy' }),
    ...dead(2, { zone: 'us-east-1b', image: 'ami-1', version: '41f' }),
    { workspaceId: 'other', atMs: NOW_MS },
  ];

  it('is grouped by zone, image, version and reporter, the largest first; one alone is no group', () => {
    expect(groupsOf(deepFrozen(mixed))).toEqual([
      { factor: 'zone', value: 'us-east-1a', deaths: 3 },
      { factor: 'zone', value: 'us-east-1b', deaths: 2 },
      { factor: 'image', value: 'ami-1', deaths: 5 },
      { factor: 'version', value: '41f', deaths: 2 },
      { factor: 'reporter', value: 'role/proxy', deaths: 3 },
    ]);
    expect(groupsOf(dead(1, { zone: 'us-east-1a' }))).toEqual([]);
  });

  it('is kept to three groups a factor', () => {
    const zones = ['a', 'b', 'c', 'd'].flatMap((zone, index) => dead(2 + index, { zone }));
    expect(groupsOf(zones).map(({ value }) => value)).toEqual(['d', 'c', 'b']);
  });

  it('is named when more than half share it', () => {
    expect(commonFactors(mixed)).toBe('image ami-1 (5 of 6)');
    expect(commonFactors(dead(2))).toBe('');
  });
});

describe('too many dead', () => {
  it('by one reporter, silent - the bar is half as high, because only its word stands for it', () => {
    const silent = (count: number, reporter = 'role/proxy') => dead(count, { isSilent: true, reporter });
    expect(tooManyDead(silent(4), 40, policy)).toBeUndefined();
    expect(tooManyDead(silent(5), 40, policy)).toEqual({
      cause: 'one-reporter',
      because: 'role/proxy alone reported 5 silent workspaces within 300 s',
    });
    expect(tooManyDead([...silent(4), ...silent(4, 'role/other')], 40, policy)).toBeUndefined();
    expect(tooManyDead(dead(8, { reporter: 'role/proxy' }), 40, policy)).toBeUndefined();
    expect(tooManyDead(silent(9), 40, policy)).toMatchObject({ cause: 'deaths' });
  });

  it('the minimum stands for one reporter too', () => {
    const wide = policyOf({ ...defaultSettings, brakeMinimum: 20 });
    expect(tooManyDead(dead(20, { isSilent: true, reporter: 'role/proxy' }), 40, wide)).toBeUndefined();
  });
});

describe('silent deaths of one zone', () => {
  it('told by many reporters - no reporter is suspected for the zone that they share', () => {
    const silent = dead(6).map((death, index) => ({
      ...death,
      isSilent: true,
      zone: 'a',
      reporter: `role/${index}`,
    }));
    expect(tooManyDead(silent, 40, policy)).toBeUndefined();
    expect(
      tooManyDead(
        silent.map((death) => ({ ...death, reporter: 'role/one' })),
        40,
        policy,
      ),
    ).toMatchObject({
      cause: 'one-reporter',
    });
  });
});
