/** A beat on its way: it may be cut off, lost, late, or arrive twice. Its stamp is the gateway's. */
import { callApi } from './gateway.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

export function sendBeat(world: World, machine: Machine): void {
  const { random, weights, isCalm } = world;
  const member = world.truth.member(machine.workspaceId);
  if (!isCalm) {
    if (member && world.time.nowMs() < member.cutFromDefibUntilMs) return;
    if (random.chance(weights.beatLost)) {
      world.seen('beatLost');
      return;
    }
  }
  const isLate = !isCalm && random.chance(weights.beatLate);
  if (isLate) world.seen('beatLate');
  const lateMs = isLate ? random.between(1000, 60_000) : random.between(5, 50);
  const { instanceId, workspaceId, bootId, seq, activeTasks, busyUntilMs, beats } = machine;
  const nowMs = world.time.nowMs();
  const holdsLease = beats.leases && busyUntilMs > nowMs;
  const body = {
    bootId,
    seq,
    activeTasks,
    ...(beats.declares && { intervalSeconds: beats.intervalMs / 1000 }),
    ...(holdsLease && { busyUntil: new Date(Math.min(busyUntilMs, nowMs + 840_000)).toISOString() }),
  };
  const send = (): void => {
    void callApi(world, {
      route: 'POST /workspaces/{workspaceId}/heartbeats',
      params: { workspaceId },
      body,
      role: 'agent',
      session: instanceId,
    });
  };
  world.time.after(lateMs, send);
  if (!isCalm && random.chance(weights.beatTwice)) {
    world.seen('beatTwice');
    world.time.after(lateMs + random.between(1, 20_000), send);
  }
}
