import { describe, expect, it } from 'vitest';
import {
  isFinalState,
  isOfEarlierRegistration,
  LARGEST_BODY_BYTES,
  LARGEST_MESSAGE_BYTES,
  LARGEST_RESPONSE_BYTES,
  MOST_PARKED_BYTES,
  requestStates,
} from '../../core/parking.ts';
import { aClaim, aRequest, aWorkspace, at, NOW_MS } from './builders.ts';
import { step } from './delivery-step.ts';

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

  const expired = { do: 'end', state: 'expired', why: 'expired' };
  const expiring = { do: 'defer', because: 'expiring', soon: true };

  it.each([
    [-1, { do: 'attempt' }],
    [0, expiring],
    [1, expiring],
  ])('%i ms from its expiry, by the latest end of the time range - %j (S21)', (offsetMs, expected) => {
    const request = aRequest({ expiresAtMs: NOW_MS - offsetMs });
    expect(step({ request, now: at(NOW_MS - 60_000, NOW_MS) })).toEqual(expected);
  });

  it.each([
    [-1, expiring],
    [0, expired],
    [1, expired],
  ])('%i ms from its expiry, by the earliest end of the time range - %j (V1)', (offsetMs, expected) => {
    const request = aRequest({ expiresAtMs: NOW_MS - offsetMs });
    expect(step({ request, now: at(NOW_MS, NOW_MS + 60_000) })).toEqual(expected);
  });

  it('it may have expired, and something else keeps it from being tried, or ends it - that comes first', () => {
    const now = at(NOW_MS - 1, NOW_MS);
    const request = aRequest({ expiresAtMs: NOW_MS });
    expect(step({ request, now, receives: 900 })).toMatchObject({ why: 'received-too-often' });
    expect(step({ request, now, workspace: 'absent' })).toMatchObject({ why: 'workspace-removed' });
    expect(step({ request, now, workspace: aWorkspace({ claim: aClaim() }) })).toMatchObject({
      because: 'restarting',
    });
    expect(step({ request, now, rampUntilMs: NOW_MS + 5000 })).toEqual(expiring);
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
