/** Faults at each single write, and whatever works on the requests does so twice at the same time (V11). */
import { describe, it } from 'vitest';
import { delivering, ending, flowsForTwo } from './crash/flows.ts';
import { tried } from './crash/tried.ts';

describe('a fault while two copies of each message and two sweeps run at once', () => {
  const some = [...delivering, ...ending].filter(({ name }) => flowsForTwo.includes(name));
  it.each(some)('leads to the same end as none: $name', (flow) => tried(flow, 2));
});
