import { describe, expect, it } from 'vitest';
import { play, wellEnded } from './restart-world.ts';

describe.each(['stopped', 'silent'] as const)('a workspace that is %s', { timeout: 60_000 }, (dies) => {
  it('nothing goes wrong - restarted once, and everything is told', async () => {
    const end = await play({ dies });
    expect(end).toMatchObject(wellEnded(dies));
    expect(end.news).toEqual(['verdict.final', 'workspace.offline', 'restart.started', 'restart.done']);
    expect(end.acts.starts).toBe(1);
  });

  it('a function ends after any single effect - the same end (V11)', async () => {
    const { effects } = await play({ dies });
    expect(effects).toBeGreaterThan(10);
    for (let crashAfter = 1; crashAfter <= effects; crashAfter++) {
      const end = await play({ dies, crashAfter });
      expect({ crashAfter, ...end }).toMatchObject({ crashAfter, ...wellEnded(dies) });
    }
  });

  it('a function ends after any single effect - the end of the restart is told all the same', async () => {
    const { effects } = await play({ dies });
    for (let crashAfter = 1; crashAfter <= effects; crashAfter++) {
      const { news } = await play({ dies, crashAfter });
      expect({ crashAfter, news }).toEqual({
        crashAfter,
        news: expect.arrayContaining(['restart.done']) as unknown,
      });
    }
  });

  it('each message comes two and three times - the same end', async () => {
    for (const copies of [2, 3]) expect(await play({ dies, copies })).toMatchObject(wellEnded(dies));
  });

  it('messages come twice and a function ends after any single effect - the same end', async () => {
    const { effects } = await play({ dies, copies: 2 });
    for (let crashAfter = 1; crashAfter <= effects; crashAfter++) {
      const end = await play({ dies, copies: 2, crashAfter });
      expect({ crashAfter, ...end }).toMatchObject({ crashAfter, ...wellEnded(dies) });
    }
  });

  it('any message is lost, though SQS had confirmed it - the sweep finds what waits for it, and the end is the same', async () => {
    const { sent } = await play({ dies });
    for (let loses = 1; loses <= sent; loses++)
      expect({ loses, ...(await play({ dies, loses })) }).toMatchObject({ loses, ...wellEnded(dies) });
  });

  it('EC2 answers as it was five seconds ago, and messages come twice - the same end', async () => {
    expect(await play({ dies, lagMs: 5000, copies: 2 })).toMatchObject(wellEnded(dies));
    expect(await play({ dies, lagMs: 9000 })).toMatchObject(wellEnded(dies));
  });

  it('two sweeps run at once, whatever they find - the same end', async () => {
    const { effects } = await play({ dies });
    for (let crashAfter = 1; crashAfter <= effects; crashAfter++) {
      const end = await play({ dies, sweeps: 2, crashAfter });
      expect({ crashAfter, ...end }).toMatchObject({ crashAfter, ...wellEnded(dies) });
    }
  });
});

describe('a silent workspace with a softer step', { timeout: 60_000 }, () => {
  const untouched = {
    ...wellEnded('silent'),
    acts: { starts: 0, effectiveStarts: 0, stops: 0, effectiveStops: 0 },
  };

  it('its agent comes back by it, whatever effect a function ends after - nothing is stopped or started', async () => {
    const { effects, news } = await play({ dies: 'silent', soft: 'helps' });
    expect(news).toEqual(['verdict.final', 'workspace.offline', 'restart.soft', 'restart.done']);
    const stopped: number[] = [];
    for (let crashAfter = 1; crashAfter <= effects; crashAfter++) {
      const end = await play({ dies: 'silent', soft: 'helps', crashAfter });
      // Told to nobody, for the function ended between intent and news: then the time-out leads to the Stop.
      if (end.acts.stops > 0) stopped.push(crashAfter);
      expect({ crashAfter, ...end }).toMatchObject({
        crashAfter,
        ...(end.acts.stops > 0 ? wellEnded('silent') : untouched),
      });
    }
    expect(stopped).toHaveLength(1);
  });

  it('it does not come back - told once, then stopped and started once, whatever effect a function ends after', async () => {
    const { effects, news } = await play({ dies: 'silent', soft: 'does not help' });
    expect(news.filter((type) => type === 'restart.soft')).toHaveLength(1);
    for (let crashAfter = 1; crashAfter <= effects; crashAfter++) {
      const end = await play({ dies: 'silent', soft: 'does not help', crashAfter, copies: 2 });
      expect({ crashAfter, ...end }).toMatchObject({ crashAfter, ...wellEnded('silent') });
    }
  });
});
