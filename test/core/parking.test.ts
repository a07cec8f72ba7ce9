import { describe, expect, it } from 'vitest';
import { InvariantViolation } from '../../core/invariant.ts';
import {
  isFinalState,
  isOfEarlierRegistration,
  LARGEST_BODY_BYTES,
  LARGEST_MESSAGE_BYTES,
  LARGEST_RESPONSE_BYTES,
  mayBeWithAgent,
  MOST_PARKED_BYTES,
  nextDeliveryStep,
  isKeyFreed,
  refusalOfHeld,
  requestStates,
  whyNotReady,
  type DeliveryView,
  type ParkedRequest,
} from '../../core/parking.ts';
import { defaultSettings, policyOf } from '../../core/policy.ts';
import { reasonMeaning, verdicts, type Reason, type Verdict } from '../../core/verdict.ts';
import type { Workspace } from '../../core/workspace.ts';
import {
  aClaim,
  aHeartbeat,
  aMuteWorkspace,
  aRequest,
  aWorkspace,
  at,
  deepFrozen,
  NOW_MS,
  policy,
} from './builders.ts';

function step(overrides: Partial<DeliveryView> = {}) {
  const view: DeliveryView = {
    request: aRequest(),
    enqueueNo: 1,
    receives: 1,
    workspace: aWorkspace(),
    now: at(NOW_MS),
    policy,
    ...overrides,
  };
  return nextDeliveryStep(deepFrozen(view));
}
describe('a message that was received again and again', () => {
  const givenUp = { do: 'end', state: 'dead-lettered', why: 'received-too-often' };

  it.each([
    [899, { do: 'attempt' }],
    [900, givenUp],
    [1000, givenUp],
  ])('%i times - %j: given up with its bytes before the queue throws it away', (receives, what) => {
    expect(step({ receives })).toEqual(what);
  });

  it('its workspace cannot be read, or is paused - given up all the same', () => {
    expect(step({ receives: 900, workspace: 'malformed' })).toEqual(givenUp);
    expect(step({ receives: 900, workspace: aWorkspace({ desired: 'stopped' }) })).toEqual(givenUp);
  });

  it('another copy is just delivering it, it has expired, or it has ended - that comes first', () => {
    const delivering = aRequest({ state: 'delivering', leaseUntilMs: NOW_MS + 1 });
    expect(step({ receives: 900, request: delivering })).toMatchObject({
      do: 'defer',
      because: 'in-delivery',
    });
    expect(step({ receives: 900, request: aRequest({ expiresAtMs: NOW_MS }) })).toMatchObject({
      state: 'expired',
    });
    expect(step({ receives: 900, request: aRequest({ state: 'delivered' }) })).toMatchObject({ do: 'drop' });
  });
});

const final = ['delivered', 'refused', 'expired', 'cancelled', 'dead-lettered'] as const;

describe('the states of a parked request', () => {
  it.each(requestStates)('%s - final or not, as the contract says', (state) => {
    expect(isFinalState(state)).toBe((final as readonly string[]).includes(state));
  });
});

describe('the sizes of the contract', () => {
  it('700 KiB of body, 1 MiB of message less what it is handed on with, 64 MiB for a workspace, 256 KiB of response', () => {
    const kib = [LARGEST_BODY_BYTES, LARGEST_MESSAGE_BYTES, MOST_PARKED_BYTES, LARGEST_RESPONSE_BYTES].map(
      (bytes) => bytes / 1024,
    );
    expect(kib).toEqual([700, 1020, 65_536, 256]);
  });
});

describe('what deliver does with the head of a queue', () => {
  it('a ready workspace - it is delivered', () => {
    expect(step()).toEqual({ do: 'attempt' });
    expect(step({ request: aRequest({ state: 'delivering' }) })).toEqual({ do: 'attempt' });
  });

  it('no row - dropped: nobody was ever promised anything', () => {
    expect(step({ request: 'absent' })).toEqual({ do: 'drop', because: 'no-row' });
  });

  it.each(final)('%s already - dropped, whatever else holds (S24)', (state) => {
    const request = aRequest({ state, expiresAtMs: 0 });
    expect(step({ request, enqueueNo: 2, workspace: 'absent' })).toEqual({ do: 'drop', because: state });
  });

  it('of another enqueue number - a leftover, dropped before anything else is made of it', () => {
    expect(step({ enqueueNo: 2 })).toEqual({ do: 'drop', because: 'other-enqueue' });
    expect(step({ request: aRequest({ enqueueNo: 2, expiresAtMs: 0 }) })).toEqual({
      do: 'drop',
      because: 'other-enqueue',
    });
  });

  it('still being accepted - left alone for a moment, even if it has expired', () => {
    const request = aRequest({ state: 'accepting', expiresAtMs: 0 });
    expect(step({ request })).toEqual({ do: 'defer', because: 'accepting', soon: true });
  });

  it.each([
    [-1, 'attempt'],
    [0, 'end'],
    [1, 'end'],
  ])('%i ms from its expiry, by the latest end of the time range - %s (S21)', (offsetMs, what) => {
    const request = aRequest({ expiresAtMs: NOW_MS - offsetMs });
    const decided = step({ request, now: at(NOW_MS - 60_000, NOW_MS) });
    expect(decided.do).toBe(what);
    if (what === 'end') expect(decided).toEqual({ do: 'end', state: 'expired', why: 'expired' });
  });

  it('a workspace that cannot be read - waits; one that is gone - refused', () => {
    expect(step({ workspace: 'malformed' })).toEqual({
      do: 'defer',
      because: 'workspace-unreadable',
      soon: false,
    });
    expect(step({ workspace: 'absent' })).toEqual({ do: 'end', state: 'refused', why: 'workspace-removed' });
  });

  it.each([
    [-1, { do: 'defer', because: 'not-before', soon: false, untilMs: NOW_MS + 1 }],
    [0, { do: 'attempt' }],
  ])('%i ms from its next try, by the earliest end - %j', (offsetMs, expected) => {
    const request = aRequest({ notBeforeMs: NOW_MS - offsetMs });
    expect(step({ request, now: at(NOW_MS, NOW_MS + 9000) })).toEqual(expected);
  });

  it('a workspace that is not ready - waits, and says for what', () => {
    expect(step({ workspace: aWorkspace({ claim: aClaim() }) })).toEqual({
      do: 'defer',
      because: 'restarting',
      soon: false,
    });
  });
});

describe('a request that another copy of its message is at', () => {
  const delivering = (leaseOffsetMs: number, more: Partial<ParkedRequest> = {}) =>
    aRequest({ state: 'delivering', attempts: 1, leaseUntilMs: NOW_MS + leaseOffsetMs, ...more });

  it.each([
    [1, { do: 'defer', because: 'in-delivery', soon: false, untilMs: NOW_MS + 1 }],
    [0, { do: 'attempt' }],
    [-1, { do: 'attempt' }],
  ])('%i ms before the end of its lease, by the earliest end of the range - %j (S22)', (leftMs, expected) => {
    expect(step({ request: delivering(leftMs), now: at(NOW_MS, NOW_MS + 9000) })).toEqual(expected);
  });

  it('its time passes under the attempt - it is not ended while the lease lasts: that attempt began in time', () => {
    expect(step({ request: delivering(1, { expiresAtMs: 0 }) })).toMatchObject({ because: 'in-delivery' });
    expect(step({ request: delivering(0, { expiresAtMs: 0 }) })).toMatchObject({ state: 'expired' });
  });

  it('parked again - the lease of the attempt before counts no more', () => {
    expect(step({ request: delivering(60_000, { state: 'parked' }) })).toEqual({ do: 'attempt' });
  });
});

describe('a request of an earlier registration', () => {
  const removed = { do: 'end', state: 'refused', why: 'workspace-removed' };

  it.each([
    [4, 5, true],
    [5, 5, false],
    [6, 5, false],
  ])(
    'accepted at generation %i, registered anew at %i - earlier: %s',
    (generation, firstGeneration, earlier) => {
      expect(isOfEarlierRegistration({ generation }, { firstGeneration })).toBe(earlier);
      const workspace = aWorkspace({ generation: 9, firstGeneration });
      expect(step({ request: aRequest({ generation }), workspace })).toEqual(
        earlier ? removed : { do: 'attempt' },
      );
    },
  );

  it('one of the two is not known - not held against it', () => {
    expect(isOfEarlierRegistration({}, { firstGeneration: 5 })).toBe(false);
    expect(isOfEarlierRegistration({ generation: 1 }, {})).toBe(false);
  });

  it('it has expired besides - expired: that was so first', () => {
    const request = aRequest({ generation: 1, expiresAtMs: 0 });
    expect(step({ request, workspace: aWorkspace({ firstGeneration: 5 }) })).toMatchObject({
      state: 'expired',
    });
  });
});

describe('a request whose caller refuses a second copy', () => {
  const refuse = { onAmbiguous: 'refuse' } as const;

  it.each([
    ['a copy may have arrived', { ambiguous: true }, true],
    ['an attempt was cut off in the middle', { state: 'delivering', leaseUntilMs: 0 }, true],
    ['nothing has been tried', {}, false],
  ] as const)('%s - refused as ambiguous: %s', (_what, changes, refused) => {
    const request = aRequest(changes);
    expect(mayBeWithAgent(request)).toBe(refused);
    expect(step({ request: { ...request, ...refuse } })).toEqual(
      refused ? { do: 'end', state: 'refused', why: 'ambiguous' } : { do: 'attempt' },
    );
    expect(step({ request: { ...request, onAmbiguous: 'retry' } })).toEqual({ do: 'attempt' });
    expect(step({ request })).toEqual({ do: 'attempt' });
  });

  it('another copy is at it this very moment - waits: that attempt may end well', () => {
    const request = aRequest({ ...refuse, state: 'delivering', leaseUntilMs: NOW_MS + 1 });
    expect(step({ request })).toMatchObject({ because: 'in-delivery' });
  });
});

describe('the pace after a recovery', () => {
  it.each([
    [1, { do: 'defer', because: 'ramp', soon: false, untilMs: NOW_MS + 1 }],
    [0, { do: 'attempt' }],
  ])('%i ms before the next step, by the earliest end - %j', (leftMs, expected) => {
    expect(step({ rampUntilMs: NOW_MS + leftMs, now: at(NOW_MS, NOW_MS + 9000) })).toEqual(expected);
  });

  it.each([
    [10_000, { do: 'defer', because: 'ramp', soon: false, untilMs: NOW_MS + 10_000 }],
    [10_001, { do: 'attempt' }],
  ])(
    '%i ms before it - %j: no step is as long as that, so the clock that wrote it was ahead',
    (leftMs, expected) => {
      expect(step({ rampUntilMs: NOW_MS + leftMs })).toEqual(expected);
    },
  );

  it('the workspace is not ready, or the request has its own time - that is what it waits for', () => {
    const rampUntilMs = NOW_MS + 5000;
    expect(step({ rampUntilMs, workspace: aWorkspace({ claim: aClaim() }) })).toMatchObject({
      because: 'restarting',
    });
    expect(step({ rampUntilMs, request: aRequest({ notBeforeMs: NOW_MS + 1 }) })).toMatchObject({
      because: 'not-before',
    });
  });
});

describe('a request that a verdict holds back', () => {
  const held = aRequest({ heldBy: 'verdict-1' });
  const finally_ = (verdict: Verdict, reason: Reason = 'stopped') => ({ verdict, reason, final: true });

  it('the verdict is pending, or not written yet - left alone for a moment', () => {
    const waits = { do: 'defer', because: 'held', soon: true };
    expect(step({ request: held, holder: { verdict: 'pending', reason: 'suspect', final: false } })).toEqual(
      waits,
    );
    expect(step({ request: held, holder: { verdict: 'dead', reason: 'stopped', final: false } })).toEqual(
      waits,
    );
    expect(step({ request: held, holder: 'absent' })).toEqual(waits);
    expect(step({ request: held })).toEqual(waits);
  });

  it.each([
    [90_000, 'defer'],
    [90_001, 'attempt'],
  ])('a verdict that has not come %i ms after the request, by the earliest end - %s', (waitedMs, what) => {
    const request = { ...held, acceptedAtMs: NOW_MS - waitedMs };
    const now = at(NOW_MS, NOW_MS + 60_000);
    for (const holder of ['absent', { verdict: 'pending', reason: 'suspect', final: false }] as const) {
      expect(step({ request, holder, now }).do).toBe(what);
    }
  });

  it('busy - released', () => {
    expect(step({ request: held, holder: finally_('busy', 'settling') })).toEqual({ do: 'attempt' });
  });

  it('dead - refused, or released when it was to be parked', () => {
    expect(step({ request: held, holder: finally_('dead') })).toEqual({
      do: 'end',
      state: 'refused',
      why: 'dead',
      freesKey: true,
    });
    expect(step({ request: { ...held, whenDead: 'park' }, holder: finally_('dead') })).toEqual({
      do: 'attempt',
    });
  });

  it('dead, and an attempt was made - refused, but its key is not free: an agent may have it', () => {
    const request = { ...held, attempts: 1 };
    expect(step({ request, holder: finally_('dead') })).toMatchObject({ why: 'dead', freesKey: false });
  });

  it('held by nothing - a verdict of its workspace says nothing of it', () => {
    expect(step({ holder: finally_('dead') })).toEqual({ do: 'attempt' });
  });

  it('released, but the workspace is not ready - it waits like any other', () => {
    const workspace = aWorkspace({ claim: aClaim() });
    const request = { ...held, whenDead: 'park' } as const;
    expect(step({ request, holder: finally_('dead'), workspace })).toMatchObject({ because: 'restarting' });
  });
});

describe('whether the end of a request has freed its key', () => {
  it.each([
    ['refused', 'never-accepted', 0, true],
    ...['dead', 'gone', 'agent-restarting', 'unreachable', 'upstream-error'].flatMap(
      (why) =>
        [
          ['refused', why, 0, true],
          ['refused', why, 1, false],
          ['parked', why, 0, false],
        ] as const,
    ),
    ['refused', 'ambiguous', 0, false],
    ['refused', 'workspace-removed', 0, false],
    ['refused', undefined, 0, false],
    ['delivered', undefined, 1, false],
  ] as const)('%s, %s, after %i attempts - %s', (state, why, attempts, isFree) => {
    expect(isKeyFreed({ state, attempts, ...(why !== undefined && { why }) })).toBe(isFree);
  });
});

describe('how a final verdict ends what it held back', () => {
  const classes = ['agent-restarting', 'upstream-busy', 'unreachable', 'upstream-error'] as const;
  const refusal = (
    verdict: Verdict,
    reason: Reason,
    request: Partial<Pick<ParkedRequest, 'whenDead' | 'errorClass'>> = {},
  ) => refusalOfHeld({ whenDead: 'refuse', errorClass: 'agent-restarting', ...request }, { verdict, reason });

  it('busy or still pending - not at all', () => {
    for (const errorClass of classes) {
      expect(refusal('busy', 'settling', { errorClass })).toBeUndefined();
      expect(refusal('pending', 'suspect', { errorClass })).toBeUndefined();
    }
  });

  it('dead - refused as dead, and released when it was to be parked', () => {
    expect(refusal('dead', 'stopped')).toBe('dead');
    expect(refusal('dead', 'silent')).toBe('dead');
    expect(refusal('dead', 'stopped', { whenDead: 'park' })).toBeUndefined();
  });

  it('terminated - gone, even when it was to be parked: there is nothing to wait for', () => {
    expect(refusal('dead', 'terminated')).toBe('gone');
    expect(refusal('dead', 'terminated', { whenDead: 'park' })).toBe('gone');
  });

  it('alive - refused with the code of its error, and released after a deadline', () => {
    expect(classes.map((errorClass) => refusal('alive', 'running', { errorClass }))).toEqual([
      'agent-restarting',
      undefined,
      'unreachable',
      'upstream-error',
    ]);
  });

  it('a verdict that nobody knows - a bug, loudly', () => {
    expect(() => refusal('zombie' as Verdict, 'stopped')).toThrow(InvariantViolation);
  });

  it('every verdict and reason has an answer', () => {
    for (const verdict of verdicts)
      for (const reason of Object.keys(reasonMeaning) as Reason[])
        for (const errorClass of classes)
          expect(() => refusal(verdict, reason, { errorClass })).not.toThrow();
  });
});

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
