/**
 * Every boundary in time, one millisecond before it, on it, and one after. Time is a range: what must be surely past
 * is judged by the earliest end, what must not be too old by the latest. So each boundary is moved by one end alone.
 */
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../core/facts.ts';
import { judge } from '../../core/judge.ts';
import type { Judgement, Rule } from '../../core/verdict.ts';
import type { Workspace } from '../../core/workspace.ts';
import {
  aHeartbeat,
  anEvidence,
  aWorkspace,
  at,
  deadlyFacts,
  facts,
  notMade,
  NOW_MS,
  policy,
  evidenceWithoutLaunch,
  seen,
  seenWithoutLaunch,
} from './builders.ts';
import { opinion } from './oracle.ts';

/** Judged with evidence in valid age, so that whatever is not held back is dead. */
function judgedWith(
  changed: Partial<Workspace>,
  overrides: Partial<Omit<Facts, 'workspace'>> = {},
): Judgement {
  const workspace = aWorkspace({ evidence: anEvidence({ atMs: NOW_MS - 10_000 }), ...changed });
  const judgedFacts = facts(workspace, { asker: 'reprobe', ...overrides });
  const judgement = judge(judgedFacts, policy);
  // Wherever the boundary lies, the oracle has put it at the same millisecond.
  expect(judgement).toMatchObject(opinion(judgedFacts, policy));
  return judgement;
}

type Boundary = readonly [offsetMs: number, rule: Rule];

describe('the end of the settle window', () => {
  it.each<Boundary>([
    [-1, '4-settling'],
    [0, '11-dead'],
    [1, '11-dead'],
  ])('%i ms from the stored end - %s', (offsetMs, rule) => {
    expect(judgedWith({ settleUntilMs: NOW_MS - offsetMs }).rule).toBe(rule);
  });

  it.each<Boundary>([
    [-1, '4-settling'],
    [0, '11-dead'],
    [1, '11-dead'],
  ])('%i ms from 60 s after a LaunchTime that only the probe has seen - %s', (offsetMs, rule) => {
    const launchTimeMs = NOW_MS - policy.settleWindowMs - offsetMs;
    const evidence = anEvidence({ launchTimeMs });
    expect(judgedWith({ evidence }, { probe: seen('stopped', { launchTimeMs }) }).rule).toBe(rule);
  });

  it('doubt about the time keeps the window open: only the earliest end closes it', () => {
    expect(judgedWith({ settleUntilMs: NOW_MS }, { now: at(NOW_MS - 1, NOW_MS + 60_000) }).rule).toBe(
      '4-settling',
    );
    expect(judgedWith({ settleUntilMs: NOW_MS }, { now: at(NOW_MS, NOW_MS + 5000) }).rule).toBe('11-dead');
  });

  it('a LaunchTime of before the stored anchor never shortens the window (S17)', () => {
    const long = judgedWith({ settleUntilMs: NOW_MS + 1 }, { probe: seen('stopped') });
    expect(long).toMatchObject({
      rule: '4-settling',
      flip: [{ kind: 'settle-window-ends', afterMs: NOW_MS + 1 }],
    });
  });
});

describe('the freshness of the heartbeat', () => {
  it.each<Boundary>([
    [-1, '8-heartbeat-fresh'],
    [0, '8-heartbeat-fresh'],
    [1, '11-dead'],
  ])('%i ms from freshUntil - %s', (offsetMs, rule) => {
    expect(judgedWith({ freshUntilMs: NOW_MS - offsetMs }).rule).toBe(rule);
  });

  it('only the earliest end of the range makes it stale', () => {
    const freshUntilMs = NOW_MS - 1;
    expect(judgedWith({ freshUntilMs }, { now: at(NOW_MS - 1, NOW_MS + 10_000) }).rule).toBe(
      '8-heartbeat-fresh',
    );
    expect(judgedWith({ freshUntilMs }, { now: at(NOW_MS, NOW_MS + 10_000) }).rule).toBe('11-dead');
  });

  it('a workspace that never beat is not fresh', () => {
    expect(judgedWith({ freshUntilMs: 0 }).rule).toBe('11-dead');
  });
});

describe('the life of evidence', () => {
  it.each<Boundary>([
    [-1, '11-dead'],
    [0, '11-dead'],
    [1, '9-first-sighting'],
  ])('%i ms from 30 s of age - %s', (offsetMs, rule) => {
    const evidence = anEvidence({ atMs: NOW_MS - policy.evidenceLifeMs - offsetMs });
    expect(judgedWith({ evidence }).rule).toBe(rule);
  });

  it('expiry is judged by the latest end, whatever the earliest says', () => {
    const evidence = anEvidence({ atMs: NOW_MS - policy.evidenceLifeMs });
    expect(judgedWith({ evidence }, { now: at(NOW_MS - 20_000, NOW_MS) }).rule).toBe('11-dead');
    expect(judgedWith({ evidence }, { now: at(NOW_MS - 20_000, NOW_MS + 1) }).rule).toBe('9-first-sighting');
  });
});

describe('the delay before the second sighting counts', () => {
  it.each<Boundary>([
    [-1, '10-not-yet'],
    [0, '11-dead'],
    [1, '11-dead'],
  ])('%i ms from 2 s of age - %s', (offsetMs, rule) => {
    const evidence = anEvidence({ atMs: NOW_MS - policy.reprobeDelayMs - offsetMs });
    expect(judgedWith({ evidence }).rule).toBe(rule);
  });

  it('the delay must be past by the earliest end', () => {
    const evidence = anEvidence({ atMs: NOW_MS - policy.reprobeDelayMs });
    expect(judgedWith({ evidence }, { now: at(NOW_MS - 1, NOW_MS + 9000) }).rule).toBe('10-not-yet');
    expect(judgedWith({ evidence }, { now: at(NOW_MS, NOW_MS + 9000) }).rule).toBe('11-dead');
  });

  it('says from when the second sighting would count', () => {
    const evidence = anEvidence({ atMs: NOW_MS - 500 });
    expect(judgedWith({ evidence }).flip).toContainEqual({ kind: 'second-sighting', afterMs: NOW_MS + 1500 });
  });
});

describe('the end of a pause', () => {
  const pause = (untilMs?: number) => ({
    pause: { by: 'role/operator', reason: 'maintenance', ...(untilMs !== undefined && { untilMs }) },
  });

  it.each<Boundary>([
    [-1, '2-paused'],
    [0, '11-dead'],
    [1, '11-dead'],
  ])('%i ms from its end - %s', (offsetMs, rule) => {
    expect(judgedWith(pause(NOW_MS - offsetMs)).rule).toBe(rule);
  });

  it('only the earliest end of the range ends it', () => {
    expect(judgedWith(pause(NOW_MS), { now: at(NOW_MS - 1, NOW_MS + 60_000) }).rule).toBe('2-paused');
  });

  it('a pause without an end never ends by itself', () => {
    const judgement = judgedWith(pause(), { now: at(NOW_MS, NOW_MS + 1000) });
    expect(judgement).toMatchObject({ rule: '2-paused', flip: [{ kind: 'pause-ends' }] });
  });
});

describe('facts from the future (S15)', () => {
  it.each<Boundary>([
    [-1, '8-heartbeat-fresh'],
    [0, '8-heartbeat-fresh'],
    [1, '1a-facts-malformed'],
  ])('a beat stamped %i ms from the skew margin - %s', (offsetMs, rule) => {
    const atMs = NOW_MS + policy.skewMarginMs + offsetMs;
    expect(judgedWith({ heartbeat: aHeartbeat({ atMs }), freshUntilMs: atMs + 15_000 }).rule).toBe(rule);
  });

  it.each<Boundary>([
    [-1, '10-not-yet'],
    [0, '10-not-yet'],
    [1, '1a-facts-malformed'],
  ])('evidence stamped %i ms from the skew margin - %s', (offsetMs, rule) => {
    expect(judgedWith({ evidence: anEvidence({ atMs: NOW_MS + policy.skewMarginMs + offsetMs }) }).rule).toBe(
      rule,
    );
  });

  it('the earliest end of the range bounds what is credible: a vaguer clock makes no fact truer', () => {
    const evidence = anEvidence({ atMs: NOW_MS + policy.skewMarginMs + 1 });
    expect(judgedWith({ evidence }, { now: at(NOW_MS, NOW_MS + 60_000) }).rule).toBe('1a-facts-malformed');
    expect(judgedWith({ evidence }, { now: at(NOW_MS + 1) }).rule).toBe('10-not-yet');
  });

  it.each<Boundary>([
    [-1, '1a-facts-malformed'],
    [0, '11-dead'],
  ])('a range whose ends are %i ms apart - %s', (spreadMs, rule) => {
    expect(judgedWith({}, { now: at(NOW_MS, NOW_MS + spreadMs) }).rule).toBe(rule);
  });

  it('a LaunchTime in the future settles, and is no evidence', () => {
    const probe = seen('stopped', { launchTimeMs: NOW_MS + 3_600_000 });
    expect(judgedWith({}, { probe }).rule).toBe('4-settling');
  });
});

describe('a look that does not say since when the instance is up', () => {
  it.each(['stopped', 'terminated'] as const)(
    '%s without a LaunchTime - busy, for it may have started just now',
    (state) => {
      const evidence = evidenceWithoutLaunch();
      const judgement = judgedWith({ evidence }, { probe: seenWithoutLaunch(state) });
      expect(judgement).toMatchObject({
        call: 'busy',
        reason: 'probe-inconclusive',
        rule: '6-probe-unknown',
      });
    },
  );

  it('running without a LaunchTime - alive all the same', () => {
    expect(judgedWith({}, { probe: seenWithoutLaunch('running') }).call).toBe('alive');
  });
});

describe('before anybody has looked', () => {
  it('the same windows hold, and only past them a probe is asked for', () => {
    expect(judgedWith({ settleUntilMs: NOW_MS + 1 }, { probe: notMade }).rule).toBe('4-settling');
    expect(judgedWith({ settleUntilMs: NOW_MS }, { probe: notMade })).toMatchObject({
      call: 'probe',
      rule: '4b-look',
    });
  });

  it('the heartbeat plays no part', () => {
    expect(judgedWith({ freshUntilMs: NOW_MS + 60_000 }, { probe: notMade }).call).toBe('probe');
  });
});

describe('what else the evidence is bound to', () => {
  it.each<[string, Partial<Parameters<typeof anEvidence>[0]>]>([
    ['another generation', { generation: 2 }],
    ['a later generation', { generation: 4 }],
    ['another instance', { instanceId: 'i-0fedcba9876543210' }],
    ['another boot', { bootId: 'boot-0' }],
    ['an earlier beat', { seq: 40 }],
    ['a later beat', { seq: 42 }],
    ['another incarnation', { launchTimeMs: NOW_MS - 90_000_000 }],
  ])('evidence of %s is void, and the chain begins anew', (_of, differing) => {
    expect(judgedWith({ evidence: anEvidence(differing) })).toMatchObject({
      call: 'suspect',
      rule: '9-first-sighting',
    });
  });

  it('valid evidence seen by a caller joins the standing verdict', () => {
    expect(judge(deadlyFacts({ asker: 'caller' }), policy)).toMatchObject({
      call: 'suspect',
      rule: '10-not-yet',
    });
  });

  it('a death by termination is called so, even when the first sighting was of a stopped instance', () => {
    expect(judgedWith({}, { probe: seen('terminated') })).toMatchObject({
      call: 'dead',
      reason: 'terminated',
    });
    expect(judgedWith({}, { probe: seen('stopped') })).toMatchObject({ call: 'dead', reason: 'stopped' });
  });

  it('an instance that is not ours is never evidence, whatever its state', () => {
    for (const state of ['stopped', 'terminated', 'running'] as const) {
      const judgement = judgedWith({}, { probe: seen(state, { instanceId: 'i-0fedcba9876543210' }) });
      expect(judgement).toMatchObject({ call: 'busy', reason: 'probe-inconclusive' });
    }
  });

  it('a look that another call makes at this moment is busy and says so', () => {
    const judgement = judgedWith({}, { probe: { kind: 'unknown', cause: 'shared' } });
    expect(judgement).toMatchObject({ call: 'busy', reason: 'probe-shared' });
  });
});
