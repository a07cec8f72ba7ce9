import { expect, it } from 'vitest';
import { tellAgainAtMs } from '../../core/untold.ts';

it.each([
  [-1, 60_000],
  [60_000, 60_000],
  [60_001, 60_001],
  [3_600_000, 3_600_000],
  [3_600_001, 3_600_000],
])('an end that is %i ms old could not be told - tried again %i ms later', (ageMs, laterMs) => {
  expect(tellAgainAtMs(1_000_000, 1_000_000 + ageMs)).toBe(1_000_000 + ageMs + laterMs);
});
