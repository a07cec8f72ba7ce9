import { describe, expect, it } from 'vitest';
import { whyNotReady } from '../../core/readiness.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import type { Workspace } from '../../core/workspace.ts';
import {
  aClaim,
  aHeartbeat,
  aMuteWorkspace,
  aWorkspace,
  at,
  deepFrozen,
  NOW_MS,
  policy,
} from './builders.ts';

describe('whether a workspace is ready', () => {
  const ready = (workspace: Workspace, now = at(NOW_MS)) => whyNotReady(deepFrozen(workspace), now, policy);
  const beating = (overrides: Parameters<typeof aHeartbeat>[0] = {}, more: Partial<Workspace> = {}) =>
    aWorkspace({
      heartbeat: aHeartbeat({ atMs: NOW_MS - 1000, ...overrides }),
      freshUntilMs: NOW_MS + 14_000,
      ...more,
    });

  it('settled, unclaimed, unpaused and idle - ready, whether it beats or not', () => {
    expect(ready(aWorkspace())).toBeUndefined();
    expect(ready(aMuteWorkspace())).toBeUndefined();
    expect(ready(beating())).toBeUndefined();
  });

  it('a restart is open - restarting, before all else', () => {
    expect(ready(aWorkspace({ claim: aClaim(), desired: 'stopped' }))).toBe('restarting');
  });

  it('its instance was found terminated - gone, unless a restart is open; that of the instance before says nothing', () => {
    const { instanceId } = aWorkspace();
    const gone = { verdictId: 'verdict-1', atMs: NOW_MS - 1, instanceId };
    expect(ready(aWorkspace({ gone }))).toBe('gone');
    expect(ready(aWorkspace({ gone, claim: aClaim() }))).toBe('restarting');
    expect(ready(aWorkspace({ gone: { ...gone, instanceId: 'i-before' } }))).toBeUndefined();
  });

  it('paused, or wanted stopped - paused, until the earliest end of the range is past it', () => {
    expect(ready(aWorkspace({ desired: 'stopped' }))).toBe('paused');
    const paused = aWorkspace({ pause: { by: 'x', reason: 'y', untilMs: NOW_MS } });
    expect(ready(paused, at(NOW_MS - 1, NOW_MS))).toBe('paused');
    expect(ready(paused)).toBeUndefined();
  });

  it('as many tasks as it may have - busy; one fewer - ready', () => {
    expect(ready(beating({ activeTasks: 1 }))).toBe('busy');
    expect(ready(beating({ activeTasks: 2 }))).toBe('busy');
    const roomy = policyOf({ ...defaultSettings, maxActiveTasks: 3 });
    expect(whyNotReady(beating({ activeTasks: 2 }), at(NOW_MS), roomy)).toBeUndefined();
    expect(whyNotReady(beating({ activeTasks: 3 }), at(NOW_MS), roomy)).toBe('busy');
  });

  it('fresh for a reason that was not kept - no tasks are known, so ready', () => {
    expect(ready(aMuteWorkspace({ freshUntilMs: NOW_MS + 9000 }))).toBeUndefined();
  });

  it('tasks of a beat that no longer counts - forgotten: a crashed agent becomes drainable', () => {
    const stale = aWorkspace({ heartbeat: aHeartbeat({ activeTasks: 5 }), freshUntilMs: NOW_MS - 1 });
    expect(ready(stale)).toBeUndefined();
    expect(ready(stale, at(NOW_MS - 1, NOW_MS))).toBe('busy');
  });

  it('settling, and silent since the window opened - settling', () => {
    const opened = { settleUntilMs: NOW_MS + 50_000 };
    expect(ready(aMuteWorkspace(opened))).toBe('settling');
    expect(ready(aWorkspace(opened))).toBe('settling');
  });

  it.each([
    [-1, 'settling'],
    [0, undefined],
  ])('settling, and its boot has beaten %i ms from the opening of the window - %s', (offsetMs, why) => {
    const openedMs = NOW_MS - 10_000;
    const workspace = beating(
      { atMs: openedMs + offsetMs },
      { settleUntilMs: openedMs + policy.settleWindowMs },
    );
    expect(ready(workspace)).toBe(why);
  });

  it.each([
    [-1, 'settling'],
    [0, undefined],
  ])('a window of another length, and a beat %i ms from its opening as it was kept - %s', (offsetMs, why) => {
    const settleFromMs = NOW_MS - 10_000;
    const opened = { settleFromMs, settleUntilMs: NOW_MS + 290_000 };
    expect(ready(beating({ atMs: settleFromMs + offsetMs }, opened))).toBe(why);
  });

  it('settling, and only the retired boot has beaten - settling: that beat is no sign of the new one', () => {
    const workspace = beating({}, { settleUntilMs: NOW_MS + 50_000, retiredBootId: aHeartbeat().bootId });
    expect(ready(workspace)).toBe('settling');
  });

  it('the window is over, by the earliest end of the range - ready', () => {
    const workspace = aMuteWorkspace({ settleUntilMs: NOW_MS });
    expect(ready(workspace, at(NOW_MS - 1, NOW_MS))).toBe('settling');
    expect(ready(workspace)).toBeUndefined();
  });
});
