import { describe, expect, it } from 'vitest';
import { malformedFact, sightingOf, type Facts, type JudgedWorkspace, type Probe } from '../../core/facts.ts';
import type { Policy } from '../../core/policy.ts';
import {
  aClaim,
  aHeartbeat,
  anEvidence,
  aWorkspace,
  at,
  contradictory,
  deepFrozen,
  INSTANCE,
  LAUNCHED_MS,
  NOW_MS,
  OTHER_INSTANCE,
  policy,
  seen,
  seenWithoutLaunch,
} from './builders.ts';

const whole = aWorkspace({
  pause: { by: 'x', reason: 'y', untilMs: NOW_MS },
  claim: aClaim(),
  evidence: anEvidence(),
});

describe('the first fact that cannot be true (S15)', () => {
  const named = (spoilt: object, of: object = whole): string | undefined =>
    malformedFact(
      { now: at(NOW_MS), probe: seen('stopped') },
      deepFrozen({ ...of, ...spoilt }) as JudgedWorkspace,
      policy,
    );
  const beat = (spoilt: object) => ({ heartbeat: { ...aHeartbeat(), ...spoilt } });
  const future = NOW_MS + policy.skewMarginMs + 1;

  it('all of them can - none', () => {
    expect(named({})).toBeUndefined();
    const { pause: _pause, claim: _claim, evidence: _evidence, heartbeat: _heartbeat, ...bare } = whole;
    expect(named({}, bare)).toBeUndefined();
    expect(named({ pause: { by: 'x', reason: 'y' } })).toBeUndefined();
  });

  it.each<[string, object]>([
    ['instanceId', { instanceId: '' }],
    ['instanceId', { instanceId: 5 }],
    ['generation', { generation: -1 }],
    ['generation', { generation: 1.5 }],
    ['generation', { generation: 2 ** 53 }],
    ['generation', { generation: '3' }],
    ['settleUntil', { settleUntilMs: NaN }],
    ['settleUntil', { settleUntilMs: -1 }],
    ['freshUntil', { freshUntilMs: 'soon' }],
    ['pause', { pause: null }],
    ['pause', { pause: true }],
    ['pause', { pause: { untilMs: NaN } }],
    ['pause', { pause: { untilMs: null } }],
    ['claim', { claim: null }],
    ['claim', { claim: 'mine' }],
    ['heartbeat.at', { heartbeat: null }],
    ['heartbeat.at', { heartbeat: 'thump' }],
    ['heartbeat.at', beat({ atMs: '5' })],
    ['heartbeat.at', beat({ atMs: future })],
    ['heartbeat.seq', beat({ seq: 0.5 })],
    ['heartbeat.seq', beat({ seq: -1 })],
    ['heartbeat.bootId', beat({ bootId: '' })],
    ['heartbeat.bootId', beat({ bootId: undefined })],
    ['evidence.at', { evidence: null }],
    ['evidence.at', { evidence: 'seen' }],
    ['evidence.at', { evidence: { ...anEvidence(), atMs: future } }],
    ['evidence.at', { evidence: { ...anEvidence(), atMs: null } }],
  ])('%s, as in %j', (name, spoilt) => {
    expect(named(spoilt)).toBe(name);
  });

  it.each<[string, unknown, unknown, unknown]>([
    ['policy', at(NOW_MS), seen('stopped'), { ...policy, skewMarginMs: NaN }],
    ['now', undefined, seen('stopped'), policy],
    ['now', at(NaN, NOW_MS), seen('stopped'), policy],
    ['now', at(NOW_MS, Infinity), seen('stopped'), policy],
    ['now', at(NOW_MS, NOW_MS - 1), seen('stopped'), policy],
    ['probe', at(NOW_MS), undefined, policy],
    ['probe', at(NOW_MS), 'stopped', policy],
  ])('%s, and not the workspace', (name, now, probe, somePolicy) => {
    const given = { now, probe } as Parameters<typeof malformedFact>[0];
    expect(malformedFact(given, whole, somePolicy as Policy)).toBe(name);
  });

  it('several - the first is named', () => {
    expect(named({ generation: -1, settleUntilMs: NaN })).toBe('generation');
  });
});

describe('what a look may count against a workspace', () => {
  const promised = { declaresInterval: true, atMs: NOW_MS - policy.silentAfterMs - 1 };
  const sighted = (
    probe: Probe,
    more: {
      errorKind?: Facts['errorKind'];
      heartbeat?: Partial<ReturnType<typeof aHeartbeat>>;
      now?: Facts['now'];
    } = {},
  ) => {
    const { errorKind = 'refused', heartbeat = promised, now = at(NOW_MS) } = more;
    return sightingOf(
      { probe, now, errorKind },
      { instanceId: INSTANCE, heartbeat: aHeartbeat(heartbeat) },
      policy,
    );
  };

  it('stopped or terminated, of this very instance, since a launch that is known - stopped', () => {
    expect(sighted(seen('stopped'))).toBe('stopped');
    expect(sighted(seen('terminated'))).toBe('stopped');
    expect(sighted(seen('stopped', { instanceId: OTHER_INSTANCE }))).toBeUndefined();
    expect(sighted(seenWithoutLaunch('terminated'))).toBeUndefined();
  });

  it.each(['pending', 'stopping', 'shutting-down'] as const)(
    '%s - nothing, however silent the agent',
    (state) => {
      expect(sighted(seen(state))).toBeUndefined();
    },
  );

  it('no clear answer - nothing, even if the answer carries a state', () => {
    expect(sighted(contradictory(seen('stopped')))).toBeUndefined();
  });

  it('running, nobody listens, and the promise to beat is broken for too long - silent', () => {
    expect(sighted(seen('running'))).toBe('silent');
  });

  it('running, and anything of that is missing - nothing', () => {
    const running = seen('running');
    expect(sighted(running, { errorKind: 'deadline' })).toBeUndefined();
    expect(sighted(running, { heartbeat: { ...promised, declaresInterval: false } })).toBeUndefined();
    expect(sighted(running, { heartbeat: { ...promised, atMs: promised.atMs + 1 } })).toBeUndefined();
    expect(sighted(running, { now: at(NOW_MS - 1, NOW_MS + 60_000) })).toBeUndefined();
    expect(sighted(seenWithoutLaunch('running'))).toBeUndefined();
    expect(
      sightingOf({ probe: running, now: at(NOW_MS), errorKind: 'refused' }, { instanceId: INSTANCE }, policy),
    ).toBeUndefined();
    expect(
      sightingOf(
        { probe: running, now: at(NOW_MS) },
        { instanceId: INSTANCE, heartbeat: aHeartbeat(promised) },
        policy,
      ),
    ).toBeUndefined();
  });

  it.each([
    [-1, undefined],
    [0, 'silent'],
  ])(
    'the last beat came %i ms from this launch - %s: of an earlier one it says nothing',
    (offsetMs, sighting) => {
      const heartbeat = { ...promised, atMs: LAUNCHED_MS + offsetMs };
      expect(sighted(seen('running'), { heartbeat })).toBe(sighting);
    },
  );
});
