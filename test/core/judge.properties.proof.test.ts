/** What must hold of the judge for any facts at all, and not only for those that somebody thought of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgedPart, type Facts } from '../../core/facts.ts';
import { judge } from '../../core/judge.ts';
import type { Policy } from '../../core/policy.ts';
import { calls, reasonMeaning, rules, type Call } from '../../core/verdict.ts';
import { junk, nearlyDeadlyFacts } from './arbitrary.ts';
import { blurred } from './blur.ts';
import { aWorkspace, anEvidence, deadlyFacts, deepFrozen, INSTANCE, NOW_MS, policy } from './builders.ts';
import { runs } from './runs.ts';
import { missingForDead, opinion } from './oracle.ts';

/** Seconds at most; a machine that does much else may take longer. */
const patient = { timeout: 150_000 };

/** How near a call is to death. Everything that is neither suspicion nor death is as far as can be. */
function nearness(call: Call): number {
  return call === 'dead' ? 2 : call === 'suspect' ? 1 : 0;
}

/** All places in a value, as paths; the value itself is the empty path. */
function paths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, member]) => paths(member, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const members = (typeof value === 'object' && value !== null ? value : {}) as Readonly<
    Record<string, unknown>
  >;
  return { ...members, [key]: replaced(members[key], rest, by) };
}

const fullFacts = deadlyFacts({ reportedInstanceId: INSTANCE });
const fullWorkspace = judgedPart(
  aWorkspace({
    evidence: anEvidence({ atMs: NOW_MS - 10_000 }),
    pause: { by: 'role/operator', reason: 'over', untilMs: NOW_MS - 1 },
  }),
);

/** Stored with a workspace, but no fact of the verdict: the claim and the receipt read them. */
const notJudged = [
  'workspaceId',
  'settleBecause',
  'pause.by',
  'pause.reason',
  'heartbeat.intervalMs',
  'heartbeat.activeTasks',
  'evidence.verdictId',
  'evidence.round',
].map((path) => `workspace.${path}`);
/** What may be absent, and says something by being so. */
const optional = ['reportedInstanceId', 'workspace.pause', 'workspace.pause.untilMs', 'workspace.claim'];

describe('the judge is total', patient, () => {
  it('junk for facts and policy - it never throws, and never says dead', () => {
    fc.assert(
      fc.property(junk, junk, (someFacts, somePolicy) => {
        const { call, rule, reason } = judge(someFacts as Facts, somePolicy as Policy);
        expect(calls).toContain(call);
        expect(rules).toContain(rule);
        expect(reasonMeaning).toHaveProperty(reason);
        expect(call).not.toBe('dead');
      }),
      runs(5000),
    );
  });

  it('junk in any one or two places of deadly facts - a known call, and no exception', () => {
    const place = fc.constantFrom(...paths(fullFacts));
    fc.assert(
      fc.property(place, junk, place, junk, (one, value, other, otherValue) => {
        const spoilt = replaced(replaced(fullFacts, one, value), other, otherValue);
        expect(calls).toContain(judge(spoilt as Facts, policy).call);
      }),
      runs(5000),
    );
  });

  const spoilers: readonly unknown[] = [
    undefined,
    null,
    NaN,
    Infinity,
    -Infinity,
    -1,
    1e300,
    '',
    'x',
    true,
    [],
    {},
    '5',
  ];
  const judged = { ...fullFacts, workspace: { ...fullWorkspace, claim: undefined } };
  const facts = paths(judged).map((path) => path.join('.'));

  it('the facts are deadly before one of them is spoilt', () => {
    expect(judge(judged as unknown as Facts, policy).call).toBe('dead');
  });

  it.each(facts.filter((path) => !notJudged.includes(path)))(
    '%s missing, malformed or of a wrong type - not dead',
    (path) => {
      const survivors = spoilers.filter((value) => {
        if (value === undefined && optional.includes(path)) return false;
        return (
          judge(replaced(judged, path.split('.').filter(Boolean), value) as Facts, policy).call === 'dead'
        );
      });
      expect(survivors).toEqual([]);
    },
  );

  const judgedBy = [
    'settleWindowMs',
    'reprobeDelayMs',
    'evidenceLifeMs',
    'silentAfterMs',
    'skewMarginMs',
  ] as const;
  it.each(judgedBy)('a policy whose %s is no number - not dead (S15)', (name) => {
    const survivors = spoilers.filter(
      (value) => judge(fullFacts, { ...policy, [name]: value }).call === 'dead',
    );
    expect(survivors).toEqual([]);
  });

  it('a policy that asks for less than two seconds between the sightings - not dead (S4)', () => {
    expect(judge(fullFacts, { ...policy, reprobeDelayMs: 1999 }).call).not.toBe('dead');
    expect(judge(fullFacts, { ...policy, reprobeDelayMs: 2000 }).call).toBe('dead');
  });
});

describe('the judge is pure (S36)', patient, () => {
  it('frozen facts - the same answer twice, and nothing is written', () => {
    fc.assert(
      fc.property(nearlyDeadlyFacts, (someFacts) => {
        const frozen = deepFrozen(someFacts);
        expect(judge(frozen, deepFrozen(policy))).toEqual(judge(structuredClone(frozen), policy));
      }),
      runs(1000),
    );
  });
});

describe('the judge and its naive twin', patient, () => {
  it('any facts - the same call, reason and row', () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(nearlyDeadlyFacts, (someFacts) => {
        const { call, reason, rule } = judge(someFacts, policy);
        met.add(rule);
        expect({ call, reason, rule }).toEqual(opinion(someFacts, policy));
      }),
      runs(20_000),
    );
    expect([...met].sort()).toEqual([...rules].sort());
  });
});

describe('monotone caution (S37)', patient, () => {
  it('any one fact less certain - the judgement never moves towards dead', () => {
    let deadBefore = 0;
    fc.assert(
      fc.property(
        nearlyDeadlyFacts.chain((sure) => fc.tuple(fc.constant(sure), blurred(sure))),
        ([sure, unsure]) => {
          const before = judge(sure, policy).call;
          // Evidence that cannot be true is no certainty: to lose it is to gain some.
          fc.pre(judge(sure, policy).rule !== '1a-facts-malformed');
          if (before === 'dead') deadBefore++;
          expect(nearness(judge(unsure, policy).call)).toBeLessThanOrEqual(nearness(before));
        },
      ),
      runs(20_000),
    );
    expect(deadBefore).toBeGreaterThan(runs(1000).numRuns);
  });

  it('a wider range of time - the judgement never moves towards dead (S16)', () => {
    const spread = fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: 400_000 }));
    fc.assert(
      fc.property(nearlyDeadlyFacts, spread, spread, (sure, before, after) => {
        const { earliestMs, latestMs } = sure.now;
        const unsure = { ...sure, now: { earliestMs: earliestMs - before, latestMs: latestMs + after } };
        // Evidence too old for one clock is evidence anew: still a suspicion, and never more than before.
        expect(nearness(judge(unsure, policy).call)).toBeLessThanOrEqual(nearness(judge(sure, policy).call));
      }),
      runs(20_000),
    );
  });
});

describe('what dead implies', patient, () => {
  let sampled: readonly Facts[] | undefined;
  /** Sampled by the first test that asks, not when the file is loaded. */
  const deaths = (): readonly Facts[] => {
    sampled ??= fc
      .sample(nearlyDeadlyFacts, { ...runs(20_000), seed: 37 })
      .filter((someFacts) => judge(someFacts, policy).call === 'dead');
    return sampled;
  };

  const each = (claim: (workspace: Exclude<Facts['workspace'], string>, facts: Facts) => boolean) => {
    expect(deaths().length).toBeGreaterThan(runs(1000).numRuns);
    const broken = deaths().filter(
      (someFacts) => typeof someFacts.workspace === 'string' || !claim(someFacts.workspace, someFacts),
    );
    expect(broken.slice(0, 1)).toEqual([]);
  };

  it('S1: no heartbeat is fresh', () => {
    each(({ freshUntilMs }, { now }) => freshUntilMs < now.earliestMs);
  });
  it('S2: no settle window holds, neither a stored one nor that of the launch just seen', () => {
    each(
      ({ settleUntilMs }, { now, probe }) =>
        settleUntilMs <= now.earliestMs &&
        probe.kind === 'seen' &&
        (probe.launchTimeMs ?? NaN) + policy.settleWindowMs <= now.earliestMs,
    );
  });
  it('S3: no beat came since the first sighting', () => {
    each(
      ({ evidence, heartbeat }) => evidence?.seq === heartbeat?.seq && evidence?.bootId === heartbeat?.bootId,
    );
  });
  it('S4: two sightings, by the re-probe, from two to thirty seconds apart by either clock', () => {
    each(({ evidence }, { now, asker, probe }) => {
      const ages = [now.earliestMs, now.latestMs].map((ms) => ms - (evidence?.atMs ?? NaN));
      const state = probe.kind === 'seen' ? probe.state : 'none';
      const isDown = state === 'stopped' || state === 'terminated';
      return (
        asker === 'reprobe' &&
        evidence?.kind === (isDown ? 'stopped' : 'silent') &&
        (isDown || state === 'running') &&
        ages.every((ms) => ms >= 2000 && ms <= 30_000)
      );
    });
  });
  it('S4: who runs dies only of a silence that it promised to break, and only where nobody listens', () => {
    const running = deaths().filter(({ probe }) => probe.kind === 'seen' && probe.state === 'running');
    expect(running.length).toBeGreaterThan(runs(50).numRuns);
    each(({ heartbeat }, { now, probe, errorKind }) => {
      if (probe.kind !== 'seen' || probe.state !== 'running') return true;
      const beatMs = heartbeat?.atMs ?? NaN;
      return (
        ['refused', 'reset', 'eof'].includes(errorKind ?? '') &&
        heartbeat?.declaresInterval === true &&
        beatMs >= (probe.launchTimeMs ?? NaN) &&
        now.earliestMs - beatMs > policy.silentAfterMs
      );
    });
  });
  it('S6: both sightings are of the instance, generation and incarnation that the workspace has now', () => {
    each(
      ({ evidence, instanceId, generation }, { probe }) =>
        probe.kind === 'seen' &&
        [evidence?.instanceId, probe.instanceId].every((id) => id === instanceId) &&
        evidence?.generation === generation &&
        evidence.launchTimeMs === probe.launchTimeMs,
    );
  });
  it('S7: no claim is open', () => {
    each((workspace) => workspace.claim === undefined);
  });
  it('S12: it is wanted up, and no pause may still hold', () => {
    each(
      ({ desired, pause }, { now }) =>
        desired === 'running' && (!pause || (pause.untilMs ?? NaN) <= now.earliestMs),
    );
  });
  it('S15: the clocks agree, and no fact is of the future', () => {
    each(
      ({ heartbeat, evidence }, { now, clock }) =>
        clock === 'agrees' &&
        [heartbeat?.atMs ?? 0, evidence?.atMs ?? NaN].every((ms) => ms <= now.latestMs + policy.skewMarginMs),
    );
  });
  it('by the oracle nothing is missing', () => {
    each((_workspace, someFacts) => missingForDead(someFacts, policy).length === 1);
  });
});

describe('what would have flipped the judgement', patient, () => {
  it('where a probe that says running is named, such a probe would have led to another row', () => {
    let named = 0;
    fc.assert(
      fc.property(nearlyDeadlyFacts, (someFacts) => {
        const { rule, flip } = judge(someFacts, policy);
        const { probe } = someFacts;
        if (probe.kind !== 'seen' || probe.instanceId !== INSTANCE) return;
        if (!flip.some(({ kind }) => kind === 'probe-says-running')) return;
        named++;
        const otherwise = judge({ ...someFacts, probe: { ...probe, state: 'running' } }, policy);
        expect(otherwise.call === 'alive' || otherwise.rule !== rule || probe.state !== 'running').toBe(true);
      }),
      runs(5000),
    );
    expect(named).toBeGreaterThan(runs(100).numRuns);
  });

  it('from the instant that a flip names, and no sooner, another row decides', () => {
    const timed = ['pause-ends', 'settle-window-ends', 'heartbeat-goes-stale'];
    const met = new Set<string>();
    fc.assert(
      fc.property(nearlyDeadlyFacts, (someFacts) => {
        const { rule, flip } = judge(someFacts, policy);
        const [first] = flip;
        if (first?.afterMs === undefined || !timed.includes(first.kind)) return;
        met.add(first.kind);
        // "No further heartbeat after": the last fresh instant, not the first stale one.
        const fromMs = first.kind === 'heartbeat-goes-stale' ? first.afterMs + 1 : first.afterMs;
        const ruleAt = (ms: number) =>
          judge({ ...someFacts, now: { earliestMs: ms, latestMs: ms } }, policy).rule;
        expect(ruleAt(fromMs)).not.toBe(rule);
        expect([rule, '1a-facts-malformed']).toContain(ruleAt(fromMs - 1));
      }),
      runs(5000),
    );
    expect([...met].sort()).toEqual([...timed].sort());
  });
});
