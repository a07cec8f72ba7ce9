import { describe, expect, it } from 'vitest';
import { play, type Story } from './restart-world.ts';

/** However it came about: one true death, one restart, and nothing left lying about. */
const wellEnded = (dies: Story['dies']) => ({
  acts: expect.objectContaining({
    effectiveStarts: 1,
    effectiveStops: dies === 'silent' ? 1 : 0,
    stops: dies === 'silent' ? 1 : 0,
  }) as unknown,
  state: 'running',
  boot: 'boot-b',
  claim: undefined,
  evidence: undefined,
  quarantine: undefined,
  left: 0,
  slots: 0,
});

describe.each(['stopped', 'silent'] as const)('a workspace that is %s', (dies) => {
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
