/** The pairs of invocations whose effects are put into every order. */
import type { FunctionName } from '../../lambdas/runtime/env-names.ts';
import type { QueueName } from './functions.ts';
import { callApi } from './gateway.ts';
import type { Scenario } from './interleavings.ts';
import * as operators from './operators.ts';
import type { Member } from './truth.ts';
import type { World } from './world.ts';

const consumers: Record<QueueName, FunctionName> = {
  reprobe: 'reprobe',
  restart: 'restart',
  parked: 'receive',
  deliveries: 'deliver',
};

export async function pass(world: World, ms: number): Promise<void> {
  await world.time.runUntil(world.nowMs() + ms);
}

export async function report(
  world: World,
  { workspaceId }: Member,
  kind: string,
  request?: object,
): Promise<void> {
  void callApi(world, {
    route: 'POST /workspaces/{workspaceId}/forward-errors',
    params: { workspaceId },
    body: { error: { kind }, ...(request && { request }) },
    role: 'proxy',
    session: 'proxy-1',
  });
  await pass(world, 1500);
}

/** Its instance stops, its beats go stale, and a first sighting is on record; the second look is due. */
export async function suspected(world: World, member: Member): Promise<void> {
  world.ec2.stop(member.machine.instanceId, 'itself');
  await pass(world, 170_000);
  await report(world, member, 'unreachable');
  await pass(world, 2500);
}

/** Its agent goes while the instance runs, and a first sighting is on record. */
export async function silent(world: World, member: Member): Promise<void> {
  member.machine.ends('gone');
  await pass(world, 200_000);
  await report(world, member, 'refused');
  await pass(world, 2500);
}

/** One message is worked off, and what follows it is in the next queue. */
export async function step(world: World, name: QueueName): Promise<void> {
  const event = world.queues.take(name);
  if (event !== undefined) void world.lambda.invoke(consumers[name], event);
  await pass(world, 3000);
}

export function copies(world: World, name: QueueName, count = 2): void {
  const event = world.queues.take(name);
  for (let copy = 0; copy < count && event !== undefined; copy += 1)
    void world.lambda.invoke(consumers[name], event);
}

function beats({ machine }: Member, world: World): void {
  machine.seq += 1;
  world.beat(machine);
}

/** A message that waits is seen again, its function's visibility over. */
async function seenAgain(world: World, name: QueueName): Promise<void> {
  await step(world, name);
  await pass(world, 3000);
}

export const interleaved: readonly Scenario[] = [
  {
    name: 'two copies of the second look',
    async before(world, member) {
      await suspected(world, member);
    },
    start(world) {
      copies(world, 'reprobe');
    },
  },
  {
    name: 'the second look and a beat that was on its way',
    async before(world, member) {
      await suspected(world, member);
    },
    start(world, member) {
      copies(world, 'reprobe', 1);
      beats(member, world);
    },
  },
  {
    name: 'the second look at a silent agent and its beat',
    async before(world, member) {
      await silent(world, member);
    },
    start(world, member) {
      copies(world, 'reprobe', 1);
      beats(member, world);
    },
  },
  {
    name: 'two copies of the step that starts an instance',
    async before(world, member) {
      await suspected(world, member);
      await step(world, 'reprobe');
      await seenAgain(world, 'restart');
    },
    start(world) {
      copies(world, 'restart');
    },
  },
  {
    name: 'two copies of the step that stops an instance',
    async before(world, member) {
      await silent(world, member);
      await step(world, 'reprobe');
      await seenAgain(world, 'restart');
    },
    start(world) {
      copies(world, 'restart');
    },
  },
  {
    name: 'the step that stops an instance, and a pause',
    async before(world, member) {
      await silent(world, member);
      await step(world, 'reprobe');
      await seenAgain(world, 'restart');
    },
    start(world, member) {
      copies(world, 'restart', 1);
      void operators.resume(world, member);
    },
  },
  {
    name: 'two copies of a delivery',
    async before(world, member) {
      member.machine.feels('hung');
      const request = { id: 'request-1', method: 'POST', path: '/a2a', expiresInSeconds: 600 };
      await report(world, member, 'deadline', request);
      member.machine.feels('up');
      await pass(world, 3000);
      await step(world, 'parked');
    },
    start(world) {
      copies(world, 'deliveries');
    },
  },
];
