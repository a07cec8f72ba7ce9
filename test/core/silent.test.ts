import { describe, expect, it } from 'vitest';
import type { Facts, JudgedWorkspace } from '../../core/facts.ts';
import { errorKinds, type ErrorKind } from '../../core/forward-error.ts';
import { judge } from '../../core/judge.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import type { Evidence } from '../../core/workspace.ts';

const NOW_MS = Date.parse('2026-11-24T12:00:00Z');
const LAUNCHED_MS = NOW_MS - 7_200_000;
const policy = policyOf(defaultSettings);

/** An agent that promised to beat and has not for so long; its last beat is stale for as long as that. */
function silentFor(silentMs: number, changes: Partial<JudgedWorkspace> = {}): JudgedWorkspace {
  const atMs = NOW_MS - silentMs;
  return {
    workspaceId: 'ws-1',
    instanceId: 'i-0123456789abcdef0',
    generation: 3,
    desired: 'running',
    settleUntilMs: NOW_MS - 3_600_000,
    settleBecause: 'registration',
    freshUntilMs: atMs + 15_000,
    heartbeat: { atMs, seq: 41, bootId: 'boot-a', intervalMs: 5000, declaresInterval: true, activeTasks: 0 },
    ...changes,
  };
}
const evidence: Evidence = {
  kind: 'silent',
  verdictId: 'v',
  atMs: NOW_MS - 2000,
  generation: 3,
  instanceId: 'i-0123456789abcdef0',
  bootId: 'boot-a',
  seq: 41,
  launchTimeMs: LAUNCHED_MS,
  round: 0,
};
const look = (workspace: JudgedWorkspace, errorKind: ErrorKind = 'refused', changes: Partial<Facts> = {}) =>
  judge(
    {
      now: { earliestMs: NOW_MS, latestMs: NOW_MS },
      clock: 'agrees',
      asker: 'reprobe',
      workspace,
      probe: { kind: 'seen', state: 'running', instanceId: 'i-0123456789abcdef0', launchTimeMs: LAUNCHED_MS },
      errorKind,
      ...changes,
    },
    policy,
  );

describe('a running instance whose agent is silent', () => {
  it.each([
    [179_999, 'alive'],
    [180_000, 'alive'],
    [180_001, 'suspect'],
  ])('silent for %i ms - %s', (silentMs, call) => {
    expect(look(silentFor(silentMs))).toMatchObject({ call });
  });

  it.each(errorKinds.map((kind) => [kind, ['refused', 'reset', 'eof'].includes(kind) ? 'suspect' : 'alive']))(
    'a forward that failed by %s - %s: only a connection that nobody takes is a sighting',
    (kind, call) => {
      expect(look(silentFor(200_000), kind)).toMatchObject({ call });
    },
  );

  it('confirmed by the re-probe - dead, silent', () => {
    expect(look(silentFor(200_000, { evidence }))).toMatchObject({ call: 'dead', reason: 'silent' });
  });

  it('the evidence is of another kind - void, begun anew', () => {
    const stopped = { ...evidence, kind: 'stopped' as const };
    expect(look(silentFor(200_000, { evidence: stopped }))).toMatchObject({
      call: 'suspect',
      rule: '9-first-sighting',
    });
    const seen = {
      kind: 'seen',
      state: 'stopped',
      instanceId: evidence.instanceId,
      launchTimeMs: LAUNCHED_MS,
    } as const;
    expect(look(silentFor(200_000, { evidence }), 'refused', { probe: seen })).toMatchObject({
      rule: '9-first-sighting',
    });
  });

  it.each([
    ['never beat', { heartbeat: undefined }],
    [
      'declares no interval',
      { heartbeat: { atMs: NOW_MS - 200_000, seq: 1, bootId: 'b', intervalMs: 5000, activeTasks: 0 } },
    ],
  ])('an agent that %s - alive: its silence says nothing', (_what, changes) => {
    const { heartbeat: _heartbeat, ...rest } = silentFor(200_000);
    const workspace = changes.heartbeat ? { ...rest, heartbeat: changes.heartbeat } : rest;
    expect(look(workspace)).toMatchObject({ call: 'alive' });
  });

  it('a lease that still runs - busy, however long it has not beaten', () => {
    expect(look(silentFor(600_000, { freshUntilMs: NOW_MS + 1 }))).toMatchObject({
      reason: 'heartbeat-fresh',
    });
  });

  it('a launch that is not known - alive: it may have started a moment ago', () => {
    const probe = { kind: 'seen', state: 'running', instanceId: evidence.instanceId } as const;
    expect(look(silentFor(200_000), 'refused', { probe })).toMatchObject({ call: 'alive' });
  });

  it('switched off by null - never a sighting', () => {
    const never = policyOf({ ...defaultSettings, silentAfterSeconds: null });
    const workspace = silentFor(30 * 24 * 3_600_000);
    const probe = {
      kind: 'seen',
      state: 'running',
      instanceId: evidence.instanceId,
      launchTimeMs: 0,
    } as const;
    const facts: Facts = {
      now: { earliestMs: NOW_MS, latestMs: NOW_MS },
      clock: 'agrees',
      asker: 'caller',
      workspace,
      probe,
      errorKind: 'refused',
    };
    expect(judge(facts, never)).toMatchObject({ call: 'alive' });
  });
});
