import { describe, expect, it } from 'vitest';
import { mayBeWithAgent, type ParkedRequest } from '../../core/parking.ts';
import { aRequest, aWorkspace, at, NOW_MS } from './builders.ts';
import { step } from './delivery-step.ts';

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
