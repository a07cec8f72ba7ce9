/** Two invocations at once, their effects in many orders, with a death after any of them: nothing breaks, all comes to rest. */
import { describe, expect, it } from 'vitest';

import { interleaved } from './interleaved.ts';
import { searchAll, searchSome } from './interleavings.ts';

/** Orders of each pair; all of them where the number is large enough. */
const orders = Number(process.env['DEFIB_SIMULATED_ORDERS'] ?? 200);

describe('two invocations at once', () => {
  it.each(interleaved)('$name - in every order that was drawn, nothing breaks', async (scenario) => {
    const { broken, runs } = await searchSome(scenario, orders, 1);
    expect(broken).toEqual([]);
    expect(runs).toBe(orders);
  });

  it('a beat and a second look that it voids - in all of their orders, with each death, nothing breaks', async () => {
    const scenario = interleaved.find(
      ({ name }) => name === 'the second look and a beat that was on its way',
    );
    if (!scenario) throw new Error('no such pair');
    const { broken, isWhole } = await searchAll(scenario, 20_000);
    expect(broken).toEqual([]);
    expect(isWhole).toBe(true);
  });
});
