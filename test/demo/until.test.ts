import { describe, expect, it } from 'vitest';

import { until, WaitedInVainError } from '../../demo/until.ts';

const patience = { what: 'the sun', withinSeconds: 5, everyMs: 1, signal: new AbortController().signal };

describe('waiting', () => {
  it('gives back what is seen at last', async () => {
    let looks = 0;
    expect(await until(patience, () => (++looks < 3 ? undefined : looks))).toBe(3);
  });

  it('an answer of false is nothing seen, zero is', async () => {
    let looks = 0;
    expect(await until(patience, () => (++looks < 3 ? (false as const) : 0))).toBe(0);
  });

  it('the patience ends - says what it waited for', async () => {
    const waiting = until({ ...patience, withinSeconds: 0.02 }, () => undefined);
    await expect(waiting).rejects.toThrow(WaitedInVainError);
    await expect(waiting).rejects.toThrow('waited 0.02 s in vain for the sun');
  });

  it('interrupted - ends at once', async () => {
    const waiting = until({ ...patience, everyMs: 60_000, signal: AbortSignal.timeout(10) }, () => undefined);
    await expect(waiting).rejects.toThrow(/abort/i);
  });
});
