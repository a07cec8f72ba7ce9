import { describe, expect, it } from 'vitest';
import { flipText } from '../../core/flip-text.ts';
import { InvariantViolation } from '../../core/invariant.ts';
import type { Flip } from '../../core/verdict.ts';
import { NOW_MS } from './builders.ts';

const NOON = '2026-11-24T12:00:00.000Z';

describe('what would have flipped a judgement, in words', () => {
  it.each<[Flip['kind'], string, string]>([
    ['pause-ends', 'the end of the pause', `the end of the pause (from ${NOON})`],
    ['claim-ends', 'the end of the restart that is under way', 'the end of the restart that is under way'],
    ['settle-window-ends', 'the end of the settle window', `the end of the settle window (from ${NOON})`],
    ['heartbeat-goes-stale', 'no further heartbeat', `no further heartbeat after ${NOON}`],
    ['heartbeat-arrives', 'a heartbeat', `a heartbeat after ${NOON}`],
    ['probe-says-running', 'a probe that says running', 'a probe that says running'],
    ['probe-says-stopped', 'a probe that says stopped', 'a probe that says stopped'],
    [
      'second-sighting',
      'a second sighting by the re-probe',
      `a second sighting by the re-probe (from ${NOON})`,
    ],
    ['clocks-agree', 'clocks that agree', 'clocks that agree'],
  ])('%s - with and without a time', (kind, without, withTime) => {
    expect(flipText({ kind })).toBe(without);
    expect(flipText({ kind, afterMs: NOW_MS })).toBe(withTime);
  });

  it('of a kind that nobody knows - a bug, loudly', () => {
    expect(() => flipText({ kind: 'miracle' as Flip['kind'] })).toThrow(InvariantViolation);
  });
});
