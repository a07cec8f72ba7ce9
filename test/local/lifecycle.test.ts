import { beforeEach, describe, expect, test } from 'vitest';

import { Lifecycle, type Outcome, type StateChange } from '../../local/ec2-proxy/lifecycle.ts';

const id = 'i-0123456789abcdef0';
const nobodyLacks = () => false;

let changes: StateChange[];
let times: { pendingSeconds: number; stoppingSeconds: number };
let lifecycle: Lifecycle;

beforeEach(() => {
  changes = [];
  times = { pendingSeconds: 3, stoppingSeconds: 5 };
  lifecycle = new Lifecycle(
    () => times,
    (change) => changes.push(change),
  );
});

const state = () => lifecycle.lifeOf(id)?.state;
const refusalOf = (outcome: Outcome) => ('refusal' in outcome ? outcome.refusal.code : undefined);
const start = (nowMs: number) => lifecycle.start([id], nowMs, nobodyLacks);

describe('the states that pass by themselves', () => {
  test('a launched instance - is pending until its time is up, then running', () => {
    lifecycle.launch(id, 1000);
    lifecycle.advance(3999);
    expect(state()).toBe('pending');
    lifecycle.advance(4000);
    expect(state()).toBe('running');
  });

  test('a stopped instance - is stopping first, and says who stopped it and when', () => {
    lifecycle.adopt(id, 'running', 0);
    expect(lifecycle.stop([id], 1000)).toEqual({
      moves: [{ instanceId: id, previous: 'running', current: 'stopping' }],
    });
    lifecycle.advance(6000);
    expect(lifecycle.lifeOf(id)).toMatchObject({
      state: 'stopped',
      transitionReason: 'User initiated (1970-01-01 00:00:01 GMT)',
      stateReason: { code: 'Client.UserInitiatedShutdown' },
    });
  });

  test('a terminated instance - is shutting down first', () => {
    lifecycle.adopt(id, 'running', 0);
    lifecycle.terminate([id], 0);
    expect(state()).toBe('shutting-down');
    lifecycle.advance(5000);
    expect(state()).toBe('terminated');
  });

  test('the time is shortened while an instance waits - it is due by the new time', () => {
    lifecycle.launch(id, 0);
    expect(lifecycle.nextDueMs()).toBe(3000);
    times.pendingSeconds = 1;
    expect(lifecycle.nextDueMs()).toBe(1000);
  });

  test('nothing is passing - nothing is due', () => {
    lifecycle.adopt(id, 'stopped', 0);
    expect(lifecycle.nextDueMs()).toBeUndefined();
  });

  test('each change - is announced once, with the time it was due', () => {
    lifecycle.launch(id, 0);
    lifecycle.advance(9000);
    lifecycle.advance(9500);
    expect(changes.map((change) => [change.state, change.at.getTime()])).toEqual([
      ['pending', 0],
      ['running', 3000],
    ]);
  });
});

describe('a start', () => {
  test('of a stopped instance - is pending, launched now, with no reason left', () => {
    lifecycle.adopt(id, 'running', 0);
    lifecycle.stop([id], 0);
    lifecycle.advance(5000);
    expect(start(7000)).toEqual({ moves: [{ instanceId: id, previous: 'stopped', current: 'pending' }] });
    expect(lifecycle.lifeOf(id)).toEqual({
      state: 'pending',
      sinceMs: 7000,
      launchedAtMs: 7000,
      transitionReason: '',
    });
  });

  test('of a running instance - is a no-op that keeps the launch time', () => {
    lifecycle.adopt(id, 'running', 10);
    expect(start(7000)).toEqual({ moves: [{ instanceId: id, previous: 'running', current: 'running' }] });
    expect(lifecycle.lifeOf(id)?.launchedAtMs).toBe(10);
  });

  test.each(['stopping', 'shutting-down', 'terminated'] as const)('while %s - is refused', (now) => {
    lifecycle.adopt(id, now, 0);
    expect(refusalOf(start(0))).toBe('IncorrectInstanceState');
  });

  test('without capacity - is refused, and the instance stays stopped', () => {
    lifecycle.adopt(id, 'stopped', 0);
    expect(refusalOf(lifecycle.start([id], 0, () => true))).toBe('InsufficientInstanceCapacity');
    expect(state()).toBe('stopped');
  });

  test('of two, one of which cannot - starts neither', () => {
    const other = 'i-0fedcba9876543210';
    lifecycle.adopt(id, 'stopped', 0);
    lifecycle.adopt(other, 'terminated', 0);
    expect(refusalOf(lifecycle.start([id, other], 0, nobodyLacks))).toBe('IncorrectInstanceState');
    expect(state()).toBe('stopped');
  });
});

describe('a stop', () => {
  test.each(['pending', 'shutting-down', 'terminated'] as const)('while %s - is refused', (now) => {
    lifecycle.adopt(id, now, 0);
    expect(refusalOf(lifecycle.stop([id], 0))).toBe('IncorrectInstanceState');
  });

  test.each(['stopping', 'stopped'] as const)('while %s - changes nothing', (now) => {
    lifecycle.adopt(id, now, 0);
    expect(lifecycle.stop([id], 99)).toEqual({ moves: [{ instanceId: id, previous: now, current: now }] });
    expect(changes).toEqual([]);
  });
});
