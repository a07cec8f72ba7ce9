import { describe, expect, it } from 'vitest';
import { isOrphaned, isOvertaken, isSilent } from '../../core/lost-message.ts';
import type { ParkedRequest } from '../../core/parking.ts';
import { aRequest, NOW_MS } from './builders.ts';

/** One that is not parked yet: only its promise is missing, and it can't be lost. */
function notYetParked(overrides: Partial<ParkedRequest> = {}): ParkedRequest {
  const { parkedAtMs: _parkedAtMs, ...request } = aRequest(overrides);
  return request;
}
const parked = (ageMs: number, overrides: Partial<ParkedRequest> = {}) =>
  aRequest({ parkedAtMs: NOW_MS - ageMs, ...overrides });

describe('a message that was overtaken', () => {
  const receivedSentAtMs = NOW_MS - 1000;

  it.each([
    [14_999, false],
    [15_000, false],
    [15_001, true],
  ])('one that was sent %i ms after it has been received - gone: %s', (laterMs, gone) => {
    const request = aRequest({ parkedAtMs: receivedSentAtMs - laterMs });
    expect(isOvertaken(request, { receivedSentAtMs }, NOW_MS)).toBe(gone);
  });

  it('nothing was ever received, or it is not parked yet - not gone', () => {
    expect(isOvertaken(parked(3_600_000), {}, NOW_MS)).toBe(false);
    expect(isOvertaken(notYetParked({ state: 'accepting' }), { receivedSentAtMs }, NOW_MS)).toBe(false);
  });

  it.each([
    [-1, false],
    [0, true],
    [1, true],
  ])(
    'it is being delivered, %i ms from the end of its lease and a margin - gone: %s, for its own message is the newest',
    (offsetMs, gone) => {
      const request = parked(60_000, { state: 'delivering', leaseUntilMs: NOW_MS - 15_000 - offsetMs });
      expect(isOvertaken(request, { receivedSentAtMs }, NOW_MS)).toBe(gone);
    },
  );

  it('being delivered without a lease in its row - judged like any other', () => {
    expect(isOvertaken(parked(60_000, { state: 'delivering' }), { receivedSentAtMs }, NOW_MS)).toBe(true);
  });

  it('parked again, with the lease of an attempt before - the lease says nothing any more', () => {
    expect(isOvertaken(parked(60_000, { leaseUntilMs: NOW_MS + 1 }), { receivedSentAtMs }, NOW_MS)).toBe(
      true,
    );
  });
});

describe('a message of an empty queue', () => {
  it.each([
    [149_999, false],
    [150_000, true],
    [150_001, true],
  ])('the queue has been empty for %i ms - gone: %s', (emptyMs, gone) => {
    expect(isOrphaned(parked(3_600_000), NOW_MS - emptyMs, NOW_MS)).toBe(gone);
  });

  it.each([
    [14_999, false],
    [15_000, false],
    [15_001, true],
  ])('parked %i ms before the queue was found empty - gone: %s', (beforeMs, gone) => {
    const emptySinceMs = NOW_MS - 200_000;
    expect(isOrphaned(aRequest({ parkedAtMs: emptySinceMs - beforeMs }), emptySinceMs, NOW_MS)).toBe(gone);
  });

  it('the queue holds something, or does not say - not gone', () => {
    expect(isOrphaned(parked(3_600_000), undefined, NOW_MS)).toBe(false);
  });

  it('not parked yet, or being delivered - not gone', () => {
    const emptySinceMs = NOW_MS - 200_000;
    expect(isOrphaned(notYetParked({ state: 'accepting' }), emptySinceMs, NOW_MS)).toBe(false);
    const request = parked(3_600_000, { state: 'delivering', leaseUntilMs: NOW_MS - 14_999 });
    expect(isOrphaned(request, emptySinceMs, NOW_MS)).toBe(false);
  });
});

describe('a workspace whose messages nobody receives', () => {
  const ages = [
    [239_999, false],
    [240_000, true],
    [240_001, true],
  ] as const;
  const old = parked(3_600_000);

  it.each(ages)('its last message was received %i ms ago - silent: %s', (agoMs, silent) => {
    expect(isSilent(old, { receivedAtMs: NOW_MS - agoMs }, NOW_MS)).toBe(silent);
  });

  it.each(ages)(
    'nothing was received since its oldest was parked, %i ms ago - silent: %s',
    (agoMs, silent) => {
      expect(isSilent(parked(agoMs), {}, NOW_MS)).toBe(silent);
      expect(isSilent(notYetParked({ acceptedAtMs: NOW_MS - agoMs }), {}, NOW_MS)).toBe(silent);
    },
  );

  it.each(ages)('the lease of its oldest ended %i ms ago - silent: %s', (agoMs, silent) => {
    const request = { ...old, leaseUntilMs: NOW_MS - agoMs };
    expect(isSilent(request, { receivedAtMs: NOW_MS - 400_000 }, NOW_MS)).toBe(silent);
  });
});
