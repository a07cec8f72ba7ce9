/** The proxies: they forward requests to workspaces, and ask Defib what it means when that fails. */
import type { ErrorKind } from '../../core/forward-error.ts';
import { callApi, type ApiAnswer } from './gateway.ts';
import { MARK } from './oracles/callers.ts';
import type { Member } from './truth.ts';
import type { World } from './world.ts';

const MOST_TRIES = 4;
const ANSWER_LIFE_MS = 24 * 3_600_000;

/** Requests to one workspace, one after the other at chance, as long as the world goes on. */
export function requestOn(world: World, member: Member): void {
  const everyMs = world.isCalm ? calmEveryMs(world) : world.plan.requestEveryMs;
  world.time.after(world.random.after(everyMs), () => {
    if (world.isCalm && !world.plan.callersStay) return;
    void forward(world, member);
    // Sometimes many at once.
    if (!world.isCalm && world.random.chance(0.1))
      for (let more = 0; more < 3; more += 1) void forward(world, member);
    requestOn(world, member);
  });
}

/** Often at first, so that what is left is found soon; then seldom, since what is left is waited for. */
function calmEveryMs({ calmAtMs, time }: World): number {
  return time.nowMs() - calmAtMs < 90_000 ? 15_000 : 60_000;
}

async function forward(world: World, member: Member): Promise<void> {
  if (member.isRemoved) return;
  const errorKind = failureOf(world, member);
  if (errorKind === undefined) {
    member.lastServedMs = world.time.nowMs();
    return;
  }
  const number = world.nextNumber();
  const { random } = world;
  const request = {
    id: `request-${number}`,
    method: 'POST',
    path: '/a2a',
    headers: { 'content-type': 'text/plain', 'x-secret': MARK },
    body: Buffer.from(`${MARK} ${number}`).toString('base64'),
    expiresInSeconds: random.pick([60, 120, 300, 600]),
    whenDead: random.pick(['park', 'park', 'refuse'] as const),
    ...(random.chance(0.2) && { onAmbiguous: 'refuse' as const }),
  };
  const error = { kind: errorKind, ...(errorKind === 'upstream' && { status: 502 }) };
  // When it is calm nothing new is promised, so that it comes to an end.
  const withRequest = !world.isCalm && random.chance(0.85);
  await report(world, member, { error, ...(withRequest && { request }) });
}

/** Reports until it is answered. */
async function report(world: World, member: Member, body: object): Promise<void> {
  let first: ApiAnswer | undefined;
  let firstAtMs = 0;
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const answer = await callApi(world, {
      route: 'POST /workspaces/{workspaceId}/forward-errors',
      params: { workspaceId: member.workspaceId },
      headers: world.random.chance(0.2) ? { prefer: 'wait=5' } : {},
      body,
      role: 'proxy',
      session: 'proxy-1',
    });
    // What is asked a day later is asked anew.
    if (world.time.nowMs() - firstAtMs > ANSWER_LIFE_MS) first = undefined;
    if (answer) world.oracles.heard(body, answer, first);
    if (answer && answer.status < 500) {
      if (!first) firstAtMs = world.time.nowMs();
      first ??= answer;
      // A cautious client asks once more.
      if (!world.random.chance(0.1)) return;
    }
    await world.time.wait(world.random.between(2000, 20_000));
  }
}

/** How a forward fails at this moment, by the truth; undefined when it does not. */
function failureOf(world: World, { machine, cutFromProxyUntilMs }: Member): ErrorKind | undefined {
  const { random } = world;
  const nowMs = world.time.nowMs();
  if (nowMs < world.liarUntilMs) return random.pick(['refused', 'deadline', 'unreachable']);
  if (nowMs < cutFromProxyUntilMs) return random.pick(['deadline', 'unreachable', 'dns']);
  if (machine.instance !== 'running') return random.pick(['unreachable', 'deadline', 'refused']);
  switch (machine.agent) {
    case 'up':
      return machine.activeTasks > 0 && random.chance(0.3) ? 'deadline' : undefined;
    case 'hung':
    case 'starved':
      return 'deadline';
    case 'booting':
    case 'gone':
    case 'off':
      return random.pick(['refused', 'refused', 'reset', 'eof', 'upstream']);
  }
}
