/** People, and tools of theirs: what they ask of Defib. Each asks once more when it gets no answer. */
import { callApi, type ApiAnswer, type ApiRequest } from './gateway.ts';
import { STRANGER } from './oracles/tenants.ts';
import type { Member } from './truth.ts';
import type { World } from './world.ts';

type Asked = Omit<ApiRequest, 'role' | 'session'>;

async function ask(world: World, asked: Asked): Promise<ApiAnswer | undefined> {
  const request = { ...asked, role: 'operator', session: 'olga' };
  const answer = await callApi(world, request);
  if (answer && answer.status < 500) return answer;
  await world.time.wait(3000);
  return callApi(world, request);
}

const about = (member: Member) => ({ params: { workspaceId: member.workspaceId } });

/** Registers the instance that the member has by now; tries until it is. */
export async function register(world: World, member: Member, desired: 'running' | 'stopped'): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const { instanceId } = member.machine;
    const body = { instanceId, port: 8080, desired };
    const answer = await ask(world, { route: 'PUT /workspaces/{workspaceId}', ...about(member), body });
    if (answer && answer.status < 300) {
      member.isRemoved = false;
      return;
    }
    await world.time.wait(10_000);
  }
}

export async function remove(world: World, member: Member): Promise<void> {
  member.isRemoved = true;
  await ask(world, {
    route: 'DELETE /workspaces/{workspaceId}',
    ...about(member),
    query: { parked: 'refuse' },
  });
  await world.time.wait(world.random.between(1000, 120_000));
  await register(world, member, 'running');
}

export async function pause(world: World, member: Member): Promise<void> {
  const forMs = world.random.between(10_000, 240_000);
  const until = world.random.chance(0.5) ? { until: new Date(world.time.nowMs() + forMs).toISOString() } : {};
  const body = { reason: 'maintenance', ...until };
  await ask(world, { route: 'PUT /workspaces/{workspaceId}/pause', ...about(member), body });
  await world.time.wait(forMs);
  await resume(world, member);
}

export async function resume(world: World, member: Member): Promise<void> {
  await ask(world, { route: 'DELETE /workspaces/{workspaceId}/pause', ...about(member) });
}

export async function settle(world: World, member: Member): Promise<void> {
  const body = { reason: 'deploy', seconds: world.random.between(5, 120) };
  const answer = await ask(world, { route: 'POST /workspaces/{workspaceId}/settle', ...about(member), body });
  // What was announced happens.
  if (answer?.status === 200 && member.machine.isAlive)
    member.machine.boot(world.random.between(2000, body.seconds * 1000));
}

export async function order(world: World, member: Member, force: boolean): Promise<void> {
  const body = { reason: 'because', force };
  const headers = { 'idempotency-key': `order-${world.nextNumber()}` };
  await ask(world, { route: 'POST /workspaces/{workspaceId}/restart', ...about(member), body, headers });
}

export async function approve(world: World, member: Member): Promise<void> {
  await ask(world, { route: 'POST /workspaces/{workspaceId}/restart/approve', ...about(member) });
}

export async function release(world: World, member: Member): Promise<void> {
  await ask(world, { route: 'POST /workspaces/{workspaceId}/quarantine/release', ...about(member) });
}

/** Wants it stopped, and stops it; some time later wants it back. */
export async function personStops(world: World, member: Member): Promise<void> {
  await register(world, member, 'stopped');
  world.ec2.stop(member.machine.instanceId, 'person');
  await world.time.wait(world.random.between(60_000, 300_000));
  await register(world, member, 'running');
  world.ec2.start(member.machine.instanceId);
}

/** Gives the workspace another instance; the old one goes a little later. */
export async function replace(world: World, member: Member): Promise<void> {
  const old = member.machine.instanceId;
  member.machine = world.launch(member.workspaceId, member.machine.beats);
  await register(world, member, 'running');
  await world.time.wait(world.random.between(1000, 60_000));
  world.ec2.terminate(old);
}

export async function cancel(world: World, member: Member): Promise<void> {
  const waiting = [...world.truth.promised.values()].filter(
    ({ requestId, workspaceId }) =>
      workspaceId === member.workspaceId && world.requestState(requestId) === 'parked',
  );
  const [first] = waiting;
  if (first)
    await ask(world, { route: 'DELETE /requests/{requestId}', params: { requestId: first.requestId } });
}

export async function redrive(world: World): Promise<void> {
  await ask(world, { route: 'POST /dead-letters/redrive', body: { limit: world.random.between(1, 20) } });
}

export async function pauseFleet(world: World): Promise<void> {
  await ask(world, { route: 'PUT /fleet/pause', body: { reason: 'incident' } });
  await world.time.wait(world.random.between(10_000, 240_000));
  await resumeFleet(world);
}

export async function resumeFleet(world: World): Promise<void> {
  await ask(world, { route: 'DELETE /fleet/pause' });
}

export async function releaseBrake(world: World): Promise<void> {
  await ask(world, { route: 'POST /fleet/brake/release' });
}

/** Somebody who has no part in a request wants to read it, and to cancel it. */
export async function pry(world: World): Promise<void> {
  const [first] = world.random.chance(0.5)
    ? [...world.truth.promised.keys()]
    : [...world.truth.promised.keys()].reverse();
  if (first === undefined) return;
  const who = { role: STRANGER, session: 'sam', params: { requestId: first } };
  await callApi(world, { ...who, route: 'GET /requests/{requestId}' });
  await callApi(world, { ...who, route: 'DELETE /requests/{requestId}' });
}
