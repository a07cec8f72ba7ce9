/** The brake, its ramp, slots and capacity together, over an hour of virtual time and with nobody left who reports. */
import { describe, expect, it } from 'vitest';
import { NOW_MS } from './mocked-aws.ts';
import { ride, type Storm } from './fleet-world.ts';

const MINUTE_MS = 60_000;
/** A quarter may restart at once: stages of 1, 2 and 4, then the cap of 5. */
const storm: Storm = {
  workspaces: 20,
  dead: 14,
  bootsForMs: 4 * MINUTE_MS,
  settings: { maxRestartShare: 0.25 },
  forMs: 90 * MINUTE_MS,
};
const started = (dead: number) => Array.from({ length: 20 }, (_, index) => (index < dead ? 1 : 0));

describe('most of a fleet dies at once, and nobody reports it again', { timeout: 60_000 }, () => {
  it('the way back takes longer than any claim has time - all come back, by one Start each, in one storm with one page', async () => {
    const end = await ride(storm);
    expect(end).toMatchObject({ back: 14, starts: started(14), opened: 1, closed: 1, failed: 0 });
    expect(end.backAtMs).toBeGreaterThan(15 * MINUTE_MS);
    expect(end.mostUnderWay).toBeLessThanOrEqual(5);
    expect(end.counted).toContain('RestartHeldBack');
    expect(end.fleet).toMatchObject({ brake: 'closed', admitted: {} });
    // After the brake one canary first, and the next not before it is back.
    const late = end.launchedMs.filter((atMs) => atMs > 5 * MINUTE_MS).sort((one, other) => one - other);
    const [canary = 0, second = 0] = late;
    expect(second - canary).toBeGreaterThanOrEqual(storm.bootsForMs);
  });

  it('some meet no capacity for forty minutes - the others come back meanwhile, and the brake stays closed', async () => {
    const hasCapacity = (index: number, atMs: number) => index >= 6 || atMs >= NOW_MS + 40 * MINUTE_MS;
    const end = await ride({ ...storm, hasCapacity });
    expect(end).toMatchObject({ back: 14, starts: started(14), opened: 1, closed: 1, failed: 0 });
    const others = end.launchedMs.slice(6);
    expect(Math.max(...others)).toBeLessThan(35 * MINUTE_MS);
    expect(end.mostUnderWay).toBeLessThanOrEqual(5);
  });

  it('the fleet is paused for half an hour while they die - nobody starts before, and then all do', async () => {
    const end = await ride({ ...storm, dead: 3, pausedUntilMs: NOW_MS + 30 * MINUTE_MS });
    expect(end).toMatchObject({ back: 3, starts: started(3), opened: 0, failed: 0 });
    expect(Math.min(...end.launchedMs)).toBeGreaterThanOrEqual(30 * MINUTE_MS);
  });
});
