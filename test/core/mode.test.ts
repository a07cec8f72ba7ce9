import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isManualStop } from '../../core/manual-stop.ts';
import { modeFor } from '../../core/mode.ts';
import { aWorkspace, NOW_MS, seen } from './builders.ts';

const ids = Array.from({ length: 2000 }, (_, index) => `ws-${index}`);
const enforced = (enforcePercent: number) =>
  ids.filter((id) => modeFor(id, { mode: 'enforce', enforcePercent }) === 'enforce');

describe('the mode of a workspace', () => {
  it.each(['enforce', 'approve', 'observe'] as const)(
    'all are enforced - its own mode holds (%s)',
    (mode) => {
      expect(modeFor('ws-1', { mode, enforcePercent: 100 })).toBe(mode);
    },
  );

  it('none are enforced - all are observed, those with approval too', () => {
    expect(enforced(0)).toEqual([]);
    expect(modeFor('ws-1', { mode: 'approve', enforcePercent: 0 })).toBe('observe');
  });

  it.each([10, 25, 50, 90])('%i of a hundred - that is about the share of the fleet', (percent) => {
    expect(enforced(percent).length / ids.length).toBeCloseTo(percent / 100, 1);
  });

  it.each([
    ['ws-1', 69],
    ['agent-7', 34],
    ['a', 92],
  ])('%s - is enforced where more than %i of a hundred are, today and after an upgrade', (id, percent) => {
    expect(modeFor(id, { mode: 'enforce', enforcePercent: percent })).toBe('observe');
    expect(modeFor(id, { mode: 'enforce', enforcePercent: percent + 1 })).toBe('enforce');
  });

  it('a share that is raised - takes in more and loses none', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat({ max: 100 }), fc.nat({ max: 100 }), (id, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        const lowMode = modeFor(id, { mode: 'enforce', enforcePercent: low });
        return lowMode === 'observe' || modeFor(id, { mode: 'enforce', enforcePercent: high }) === 'enforce';
      }),
    );
  });
});

describe("a person's stop", () => {
  const byApi = { stateReason: 'Client.UserInitiatedShutdown', stoppedAtMs: NOW_MS - 60_000 };
  const isManual = (probe: Parameters<typeof seen>[1], lastStopMs?: number) =>
    isManualStop(seen('stopped', probe), aWorkspace({ ...(lastStopMs !== undefined && { lastStopMs }) }));

  it('stopped by the API, and Defib has never stopped it - a person did', () => {
    expect(isManual(byApi)).toBe(true);
  });

  it.each(['Client.InstanceInitiatedShutdown', 'Server.InternalError', 'Server.ScheduledStop'])(
    '%s - no person did',
    (stateReason) => {
      expect(isManual({ ...byApi, stateReason })).toBe(false);
    },
  );

  it('EC2 gives no reason - nobody is known to have', () => {
    expect(isManual({})).toBe(false);
  });

  it.each([
    [0, false],
    [60_000, false],
    [-60_000, false],
    [60_001, true],
    [-60_001, true],
  ])("%i ms from Defib's own stop - by a person: %s", (offsetMs, expected) => {
    expect(isManual(byApi, byApi.stoppedAtMs + offsetMs)).toBe(expected);
  });

  it('EC2 does not say when - a person did: doubt never leads to a restart', () => {
    expect(isManual({ stateReason: byApi.stateReason }, NOW_MS)).toBe(true);
  });

  it.each(['running', 'pending', 'terminated'] as const)(
    'it is %s - there is no stop to respect',
    (state) => {
      expect(isManualStop(seen(state, byApi), aWorkspace())).toBe(false);
    },
  );

  it('nobody has seen it - there is no stop to respect, whatever else was written down', () => {
    const smuggled = { kind: 'unknown', cause: 'error', state: 'stopped', ...byApi } as const;
    expect(isManualStop(smuggled, aWorkspace())).toBe(false);
  });
});
