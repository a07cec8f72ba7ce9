/** The brake's story, on the deployed stack: most of a fleet dies at once, and comes back by one canary, then the rest. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  as,
  aWorkspace,
  bodyOf,
  ec2Calls,
  instanceState,
  stopFromOutside,
  type Body,
  type TestWorkspace,
} from '../e2e/fleet.ts';
import type { ApiAnswer } from '../../local/api-client.ts';
import { inGroups, sleep, until } from '../e2e/wait.ts';

const FLEET = 40;
const DEAD = 30;

let fleet: TestWorkspace[] = [];
beforeAll(async () => {
  fleet = await inGroups(Array.from({ length: FLEET }), 10, () => aWorkspace());
  await inGroups(fleet, 10, (ws) => ws.beat('boot-1', 1, { intervalSeconds: 1 }));
  await inGroups(fleet, 10, (ws) => ws.untilSettled());
});
afterAll(async () => {
  await Promise.all(fleet.map((ws) => ws.agent.close()));
  fleet = [];
});

const showFleet = async (): Promise<Body> => bodyOf(await (await as('operator')).call('GET', '/fleet'));
const startsOf = (workspaces: readonly TestWorkspace[]) =>
  Promise.all(workspaces.map((ws) => ec2Calls('StartInstances', ws.instanceId)));
const stopsOf = (workspaces: readonly TestWorkspace[]) =>
  Promise.all(workspaces.map((ws) => ec2Calls('StopInstances', ws.instanceId)));
const startedOf = async (workspaces: readonly TestWorkspace[]) =>
  (await startsOf(workspaces)).filter((starts) => starts > 0).length;

it('30 of 40 die within a minute - no restart until the brake is released, one canary, then the rest', async () => {
  const dead = fleet.slice(0, DEAD);
  const living = fleet.slice(DEAD);
  await inGroups(dead, 10, (ws) => stopFromOutside(ws.instanceId));
  const stopsBefore = await stopsOf(fleet);
  // Their last beats went stale while the fleet settled; now the proxy meets them all.
  await inGroups(living, 10, (ws) => ws.beat('boot-1', 2, { intervalSeconds: 1 }));
  const answers = await inGroups(dead, 10, (ws) => ws.report({ error: { kind: 'unreachable' } }));
  const receipts = await inGroups(
    dead.map((ws, index) => ({ ws, verdictId: bodyOf(answers[index] as ApiAnswer)['verdictId'] })),
    10,
    ({ ws, verdictId }) => ws.finalVerdict(verdictId),
  );
  expect(receipts.map((receipt) => receipt['reason'])).toEqual(dead.map(() => 'stopped'));

  // Those few that died before it was clear that a storm had begun may have been let through; no more than that.
  const opened = await until(
    'the brake is open and knows all the dead',
    async () => {
      const shown = await showFleet();
      const brake = shown['brake'] as Body;
      return brake['state'] === 'open' && Number(shown['recentDeaths']) === DEAD ? shown : undefined;
    },
    { deadlineMs: 120_000 },
  );
  expect(opened).toMatchObject({ workspaces: FLEET, ramp: null, brake: { cause: 'deaths' } });
  expect((opened['brake'] as Body)['because']).toMatch(
    /^\d+ workspaces looked dead within 600 s; in common: .*image ami-12345678 \(\d+ of \d+\).*reporter role\//,
  );
  expect(opened['deathGroups']).toContainEqual({ factor: 'image', value: 'ami-12345678', deaths: DEAD });
  const before = await startsOf(dead);
  const early = before.filter((starts) => starts > 0).length;
  expect(early).toBeLessThanOrEqual(8);

  // Twenty seconds are several rounds of every claim that waits.
  await sleep(20_000);
  expect(await startsOf(dead)).toEqual(before);
  expect((await showFleet())['brake']).toMatchObject({ state: 'open' });

  // Those that were let through before come back, so that what follows is the ramp's doing alone.
  const beating = new Set<TestWorkspace>();
  const back = async (ws: TestWorkspace): Promise<boolean> => {
    if (!beating.has(ws) && (await instanceState(ws.instanceId)) === 'running') {
      if ((await ws.beat('boot-2', 1)).status === 204) beating.add(ws);
    }
    return beating.has(ws);
  };
  const waiting = dead.filter((_, index) => before[index] === 0);
  await until('the early ones are back', async () =>
    (await Promise.all(dead.filter((ws) => !waiting.includes(ws)).map(back))).every(Boolean)
      ? true
      : undefined,
  );

  const released = await (await as('operator')).call('POST', '/fleet/brake/release');
  expect(released).toMatchObject({
    status: 200,
    body: { brake: { state: 'closed' }, ramp: { size: 1, done: 0 } },
  });
  await until('the canary is started', async () => ((await startedOf(waiting)) > 0 ? true : undefined), {
    deadlineMs: 90_000,
  });
  // As long as it does not beat, it is the only one.
  await sleep(15_000);
  expect(await startedOf(waiting)).toBe(1);
  expect(await showFleet()).toMatchObject({
    brake: { state: 'closed' },
    ramp: { size: 1, running: 1, done: 0 },
  });

  // Now agents beat as their instances come up: stage by stage they are all let through.
  const sizes = new Set<number>();
  await until(
    'all are back',
    async () => {
      const { ramp } = await showFleet();
      if (ramp) sizes.add(Number((ramp as Body)['size']));
      return (await Promise.all(waiting.map(back))).every(Boolean) ? true : undefined;
    },
    { deadlineMs: 240_000, seen: () => `${beating.size} beat; stages ${[...sizes].join(', ')}` },
  );
  expect([...sizes].slice(0, 3)).toEqual([1, 2, 4]);
  expect(await startsOf(dead)).toEqual(dead.map(() => 1));
  expect(await startsOf(living)).toEqual(living.map(() => 0));
  expect(await stopsOf(fleet)).toEqual(stopsBefore);
});
