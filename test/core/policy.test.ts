import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultSettings,
  isUsablePolicy,
  policyOf,
  settingNames,
  settingsProblems,
  settingTable,
  withOverrides,
  type ChoiceSetting,
  type FlagSetting,
  type NumberSetting,
  type PolicySettings,
  type SettingName,
} from '../../core/policy.ts';

const numbers = settingNames.flatMap((name) => {
  const setting: NumberSetting | ChoiceSetting | FlagSetting = settingTable[name];
  return setting.kind === 'number' ? [[name, setting] as const] : [];
});
/** Problems of one value; the other settings are set so that no value is impossible beside them. */
const problemsOf = (name: SettingName, value: unknown): string[] =>
  settingsProblems({ ...defaultSettings, [name]: value });

describe('the defaults', () => {
  it('every setting is a number but four, which are choices or flags', () => {
    const others = settingNames.filter((name) => !numbers.some(([number]) => number === name));
    expect(others).toEqual(['whenPaused', 'peerProof', 'mode', 'respectManualStop']);
  });

  it('can be used as they are', () => {
    expect(settingsProblems(defaultSettings)).toEqual([]);
    expect(isUsablePolicy(policyOf(defaultSettings))).toBe(true);
  });

  it('are those of the contract', () => {
    expect(defaultSettings).toMatchObject({
      settleSeconds: 60,
      reprobeSeconds: 2,
      freshSeconds: 15,
      evidenceSeconds: 30,
      silentAfterSeconds: 180,
      restartsPerWindow: 3,
      restartWindowSeconds: 1800,
      parkedMax: 1000,
      deliverTimeoutSeconds: 300,
      maxActiveTasks: 1,
      whenPaused: 'park',
      peerProof: 'none',
      mode: 'enforce',
      respectManualStop: false,
      softRestartSeconds: 0,
      enforcePercent: 100,
      skewSeconds: 5,
      brakeMinimum: 2,
      brakeShare: 0.2,
      brakeWindowSeconds: 300,
      maxRestartShare: 0.05,
    });
  });

  it.each([
    ['settleSeconds', 5, 3600],
    ['reprobeSeconds', 2, 10],
    ['freshSeconds', 5, 600],
    ['silentAfterSeconds', 30, 3600],
    ['deliverTimeoutSeconds', 1, 840],
  ] as const)('%s - from %i to %i, as the contract says', (name, minimum, maximum) => {
    expect(settingTable[name]).toMatchObject({ minimum, maximum });
  });

  it('what holds for the whole fleet only', () => {
    const fleet = settingNames.filter((name) => settingTable[name].scope === 'fleet');
    expect(fleet).toEqual(
      expect.arrayContaining(['brakeMinimum', 'brakeShare', 'brakeWindowSeconds', 'maxRestartShare']),
    );
    expect(fleet).not.toContain('settleSeconds');
  });

  it.each(settingNames)('%s - says what it means', (name) => {
    expect(settingTable[name].meaning.length).toBeGreaterThan(20);
  });
});

describe('one value', () => {
  it.each(numbers)('%s at its bounds - fine', (name, { minimum, maximum }) => {
    const own = (value: number) =>
      problemsOf(name, value).filter((text) => text.startsWith(`Expected ${name} to be from`));
    expect(own(minimum)).toEqual([]);
    expect(own(maximum)).toEqual([]);
  });

  it.each(numbers)(
    '%s beyond its bounds - a problem that names it, both bounds and what came',
    (name, setting) => {
      const step = setting.integer ? 1 : 0.001;
      for (const value of [setting.minimum - step, setting.maximum + step]) {
        expect(problemsOf(name, value)).toEqual([
          `Expected ${name} to be from ${setting.minimum} to ${setting.maximum}, got ${value}`,
        ]);
      }
    },
  );

  it.each(numbers)('%s as no number - a problem', (name) => {
    const junk: readonly (readonly [unknown, string])[] = [
      [NaN, 'NaN'],
      [Infinity, 'Infinity'],
      ['60', '60'],
      [undefined, 'undefined'],
      [true, 'true'],
      [[60], '60'],
      [{}, '[object Object]'],
    ];
    for (const [value, shown] of junk) {
      expect(problemsOf(name, value)).toEqual([`Expected ${name} to be a number, got ${shown}`]);
    }
  });

  it.each(numbers.filter(([, { integer }]) => integer))(
    '%s as a fraction - a problem',
    (name, { minimum }) => {
      expect(problemsOf(name, minimum + 0.5)).toEqual([
        `Expected ${name} to be a whole number, got ${minimum + 0.5}`,
      ]);
    },
  );

  it('shares - may be fractions, and nothing else may', () => {
    const fractions = numbers.filter(([, { integer }]) => !integer).map(([name]) => name);
    for (const name of ['brakeShare', 'maxRestartShare'] as const) {
      expect(settingTable[name]).toMatchObject({ minimum: 0, maximum: 1, integer: false });
    }
    expect(fractions.filter((name) => !name.endsWith('Share'))).toEqual([]);
  });

  it('a flag - is true or false, and nothing else', () => {
    expect(problemsOf('respectManualStop', true)).toEqual([]);
    expect(problemsOf('respectManualStop', 'true')).toEqual([
      'Expected respectManualStop to be true or false, got true',
    ]);
  });

  it('null - switches off what may be switched off, and nothing else', () => {
    expect(problemsOf('silentAfterSeconds', null)).toEqual([]);
    expect(problemsOf('settleSeconds', null)).toEqual(['Expected settleSeconds to be a number, got null']);
  });

  it('a choice that is none - a problem that names them all', () => {
    expect(problemsOf('whenPaused', 'refuse')).toEqual([]);
    expect(problemsOf('whenPaused', 'shrug')).toEqual([
      'Expected whenPaused to be one of park, refuse, got shrug',
    ]);
    expect(problemsOf('whenPaused', null)).toEqual([
      'Expected whenPaused to be one of park, refuse, got null',
    ]);
  });
});

describe('good values that are impossible together', () => {
  const problems = (settings: Partial<PolicySettings>) =>
    settingsProblems({ ...defaultSettings, ...settings });

  it('evidence that ends before the second look could be repeated - named with both numbers', () => {
    expect(problems({ reprobeSeconds: 10, evidenceSeconds: 30 })).toEqual([]);
    expect(problems({ reprobeSeconds: 10, evidenceSeconds: 29 })).toEqual([
      'Expected evidenceSeconds to be at least 3 x reprobeSeconds (30), got 29: the second sighting would come too late to count',
    ]);
  });

  it('silence that counts while the heartbeat is fresh - named with both numbers', () => {
    expect(problems({ freshSeconds: 59, silentAfterSeconds: 60 })).toEqual([]);
    expect(problems({ freshSeconds: 60, silentAfterSeconds: null })).toEqual([]);
    expect(problems({ freshSeconds: 60, silentAfterSeconds: 60 })).toEqual([
      'Expected silentAfterSeconds to be more than freshSeconds (60), got 60: an agent would count as silent while its heartbeat is fresh',
    ]);
  });

  it('a skew margin that is wider than the window it guards - named with both numbers', () => {
    expect(problems({ freshSeconds: 15, skewSeconds: 15 })).toEqual([]);
    expect(problems({ freshSeconds: 15, skewSeconds: 16 })).toEqual([
      'Expected skewSeconds to be at most freshSeconds (15), got 16: the margin would be wider than the window it guards',
    ]);
  });

  it('everything at once - all of it is said', () => {
    expect(
      problems({
        reprobeSeconds: 10,
        evidenceSeconds: 10,
        freshSeconds: 40,
        silentAfterSeconds: 30,
        skewSeconds: 50,
      }),
    ).toHaveLength(3);
    expect(problems({ settleSeconds: 1, brakeShare: 2 })).toHaveLength(2);
  });

  it('a value out of bounds - said alone: what follows from it is not yet known', () => {
    expect(problems({ settleSeconds: 1, reprobeSeconds: 10, evidenceSeconds: 10 })).toHaveLength(1);
  });
});

describe('from settings to the policy', () => {
  it('seconds become milliseconds, and the rest stays', () => {
    expect(policyOf(defaultSettings)).toMatchObject({
      settleWindowMs: 60_000,
      reprobeDelayMs: 2000,
      freshWindowMs: 15_000,
      evidenceLifeMs: 30_000,
      silentAfterMs: 180_000,
      skewMarginMs: 5000,
      restartsPerWindow: 3,
      restartWindowMs: 1_800_000,
      parkedMax: 1000,
      deliverTimeoutMs: 300_000,
      maxActiveTasks: 1,
      whenPaused: 'park',
      peerProof: 'none',
      brakeMinimum: 2,
      brakeShare: 0.2,
      brakeWindowMs: 300_000,
      maxRestartShare: 0.05,
    });
  });

  it('a softer restart, where there is to be one - has its seconds too; by default there is none', () => {
    expect(policyOf({ ...defaultSettings, softRestartSeconds: 30 }).softRestartMs).toBe(30_000);
    expect(policyOf(defaultSettings).softRestartMs).toBe(0);
  });

  it('silence switched off - longer than anything lasts, and JSON can hold it, so that a receipt replays', () => {
    const never = policyOf({ ...defaultSettings, silentAfterSeconds: null });
    expect(never.silentAfterMs).toBeGreaterThan(8.64e15);
    expect(JSON.parse(JSON.stringify(never))).toEqual(never);
    expect(isUsablePolicy(never)).toBe(true);
  });

  it("a workspace's own settings - win over the fleet's, where there are any", () => {
    expect(withOverrides(defaultSettings, { settleSeconds: 90 })).toEqual({
      ...defaultSettings,
      settleSeconds: 90,
    });
    expect(withOverrides(defaultSettings, undefined)).toEqual(defaultSettings);
  });

  it('all settings that have no problem - a policy that can be judged by', () => {
    const settings = fc.record(
      Object.fromEntries(
        numbers.map(([name, { minimum, maximum, integer }]) => [
          name,
          integer
            ? fc.integer({ min: minimum, max: maximum })
            : fc.double({ min: minimum, max: maximum, noNaN: true }),
        ]),
      ),
    );
    fc.assert(
      fc.property(settings, (some) => {
        const all = { ...defaultSettings, ...some };
        fc.pre(settingsProblems(all).length === 0);
        expect(isUsablePolicy(policyOf(all))).toBe(true);
      }),
    );
  });
});

describe('a policy that cannot be judged by (S15)', () => {
  const policy = policyOf(defaultSettings);

  it.each([
    ['settleWindowMs', 5000, 3_600_000],
    ['reprobeDelayMs', 2000, 10_000],
    ['evidenceLifeMs', 10_000, 300_000],
    ['skewMarginMs', 1000, 60_000],
    ['silentAfterMs', 30_000, 3_600_000],
  ])('%s below %i or above %i', (name, minimum, maximum) => {
    const usable = (value: unknown) => isUsablePolicy({ ...policy, [name]: value });
    expect([minimum - 1, minimum, maximum, maximum + 1].map(usable)).toEqual([false, true, true, false]);
    for (const junk of [NaN, null, undefined, String(minimum), [minimum], true])
      expect(usable(junk)).toBe(false);
  });

  it.each([undefined, null, 5, 'policy', {}, []])('%j instead of a policy', (junk) => {
    expect(isUsablePolicy(junk as never)).toBe(false);
  });
});
