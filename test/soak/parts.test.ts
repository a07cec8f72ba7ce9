import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { chanceOf } from '../../soak/chance.ts';
import { Readiness, spreadOf } from '../../soak/readiness.ts';
import { workersOf } from '../../soak/workers.ts';

it('the same seed plays the same chances, another seed and another part do not', () => {
  const first = (seed: number, part: string) => {
    const chance = chanceOf(seed).of(part);
    return Array.from({ length: 5 }, () => chance.next());
  };
  expect(first(7, 'agent')).toEqual(first(7, 'agent'));
  expect(first(7, 'agent')).not.toEqual(first(8, 'agent'));
  expect(first(7, 'agent')).not.toEqual(first(7, 'caller'));
});

it('choices come by their weights, and one without weight never does', () => {
  const chance = chanceOf(1);
  const picked = Array.from({ length: 1000 }, () => chance.pick({ often: 3, seldom: 1, never: 0 }));
  const often = picked.filter((choice) => choice === 'often').length;
  expect(often).toBeGreaterThan(700);
  expect(often).toBeLessThan(800);
  expect(picked).not.toContain('never');
});

it('a delay runs from the last beat that made a workspace ready to its next arrival only, and not where a request is backed off', () => {
  const readiness = new Readiness();
  const arrival = { workspaceId: 'ws', atMs: 1500, attempt: 1, answered: 200 } as Parameters<
    Readiness['onArrival']
  >[0];
  readiness.onBeat('ws', 'the instance back', 1000);
  readiness.onArrival(arrival);
  readiness.onArrival(arrival);
  expect(readiness.delays).toEqual([{ after: 'the instance back', ms: 500 }]);
  readiness.onArrival({ ...arrival, answered: 500 });
  readiness.onBeat('ws', 'a turn ended', 2000);
  readiness.onArrival({ ...arrival, atMs: 9000, attempt: 2 });
  expect(readiness.delays).toHaveLength(1);
  expect(spreadOf([30, 10, 20])).toEqual({ count: 3, medianMs: 20, worstMs: 30 });
  expect(spreadOf([])).toBeUndefined();
});

// The crashes need /proc; elsewhere no worker is found and none is killed.
it.runIf(process.platform === 'linux')(
  'a worker is found by its name below its own emulator, and below no other process',
  async () => {
    const child = spawn(process.execPath, [
      '-e',
      'setInterval(() => {}, 1000)',
      '/ministack-lambda-Deliver-x/worker',
    ]);
    try {
      await once(child, 'spawn');
      expect(workersOf('Deliver', process.pid)).toEqual([child.pid]);
      expect(workersOf('Deliver', child.pid ?? 0)).toEqual([]);
      expect(workersOf('Other', process.pid)).toEqual([]);
    } finally {
      child.kill('SIGKILL');
    }
  },
);
