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
  const received = { receivedSequence: '18849496460467696128', receivedAtMs: NOW_MS - 1000 };
  const before = '18849496460467696127';
  const aMinuteOld = (overrides: Partial<ParkedRequest> = {}) =>
    parked(60_000, { sequence: before, ...overrides });

  it.each([
    ['just before', before, true],
    ['long before, with fewer digits', '99', true],
    ['itself', received.receivedSequence, false],
    ['just behind', '18849496460467696129', false],
    ['behind, with more digits', '100000000000000000000', false],
    ['as long as SQS may make it', '9'.repeat(39), false],
  ])('its place in the group is %s - gone: %s', (_where, sequence, gone) => {
    expect(isOvertaken(aMinuteOld({ sequence }), received, NOW_MS)).toBe(gone);
  });

  it('no clock of another function decides: parked five minutes earlier or later by it, its place counts', () => {
    const behind = { sequence: '18849496460467696129' };
    for (const offsetMs of [-300_000, 0, 58_999])
      expect(
        isOvertaken(aMinuteOld({ ...behind, parkedAtMs: NOW_MS - 60_000 + offsetMs }), received, NOW_MS),
      ).toBe(false);
  });

  it.each([
    [1000, false],
    [1001, true],
  ])(
    'parked %i ms ago, the other was received 1,000 ms ago - gone: %s, for a replaced queue counts anew',
    (agoMs, gone) => {
      expect(isOvertaken(parked(agoMs, { sequence: before }), received, NOW_MS)).toBe(gone);
    },
  );

  it('a place that is unknown, on either side, or no number - not gone', () => {
    expect(isOvertaken(parked(60_000), received, NOW_MS)).toBe(false);
    expect(isOvertaken(aMinuteOld(), { receivedAtMs: NOW_MS }, NOW_MS)).toBe(false);
    expect(isOvertaken(aMinuteOld(), { receivedSequence: '9'.repeat(20) }, NOW_MS)).toBe(false);
    for (const sequence of ['', '-1', '1.5', 'x1', '1x', '0x1', '1'.repeat(40)])
      expect(isOvertaken(aMinuteOld({ sequence }), received, NOW_MS)).toBe(false);
    for (const receivedSequence of ['', 'x9', '9'.repeat(40)])
      expect(isOvertaken(aMinuteOld(), { ...received, receivedSequence }, NOW_MS)).toBe(false);
  });

  it('not parked yet - not gone', () => {
    expect(isOvertaken(notYetParked({ state: 'accepting', sequence: before }), received, NOW_MS)).toBe(false);
  });

  it.each([
    [-1, false],
    [0, true],
    [1, true],
  ])(
    'it is being delivered, %i ms from the end of its lease and a margin - gone: %s, for its own message is the newest',
    (offsetMs, gone) => {
      const request = aMinuteOld({ state: 'delivering', leaseUntilMs: NOW_MS - 15_000 - offsetMs });
      expect(isOvertaken(request, received, NOW_MS)).toBe(gone);
    },
  );

  it('being delivered without a lease in its row - judged like any other', () => {
    expect(isOvertaken(aMinuteOld({ state: 'delivering' }), received, NOW_MS)).toBe(true);
  });

  it('parked again, with the lease of an attempt before - the lease says nothing any more', () => {
    expect(isOvertaken(aMinuteOld({ leaseUntilMs: NOW_MS + 1 }), received, NOW_MS)).toBe(true);
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
    [59_999, false],
    [60_000, true],
    [60_001, true],
  ] as const;
  const old = parked(3_600_000);

  it.each(ages)('its last message was received %i ms ago - silent: %s', (agoMs, silent) => {
    expect(isSilent(old, { receivedAtMs: NOW_MS - agoMs }, NOW_MS)).toBe(silent);
  });

  it.each(ages)('its next message was due %i ms ago - silent: %s', (agoMs, silent) => {
    const drain = { receivedAtMs: NOW_MS - 400_000, nextDueAtMs: NOW_MS - agoMs };
    expect(isSilent(old, drain, NOW_MS)).toBe(silent);
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
