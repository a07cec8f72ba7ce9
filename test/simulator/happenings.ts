/** What happens to a workspace, and to all of them, by the weights of the seed. */
import { age } from './ages.ts';
import { newerMessage, rubbish } from './odd-messages.ts';
import * as operators from './operators.ts';
import { ofAll, ofWorkspaces, type FaultName } from './swarm.ts';
import type { Member } from './truth.ts';
import type { World } from './world.ts';

const HOUR_MS = 3_600_000;

type OfWorkspace = (typeof ofWorkspaces)[number];
type OfAll = (typeof ofAll)[number];

/** Lets everything happen, each by its own weight, until the world is calm. */
export function setGoing(world: World): void {
  for (const name of ofAll) {
    again(world, name, () => {
      toAll[name](world);
    });
  }
  for (const member of world.truth.members) {
    for (const name of ofWorkspaces) {
      again(world, name, () => {
        toWorkspace[name](world, member);
      });
    }
  }
}

function again(world: World, name: FaultName, happen: () => void): void {
  const times = world.weights[name];
  if (times === 0) return;
  const inMs = world.random.after(HOUR_MS / times);
  if (world.time.nowMs() + inMs > world.calmAtMs) return;
  world.time.after(inMs, () => {
    if (world.isCalm) return;
    world.seen(name);
    world.trace.step(world.time.nowMs(), 'world', name);
    happen();
    again(world, name, happen);
  });
}

const toWorkspace: Record<OfWorkspace, (world: World, member: Member) => void> = {
  agentCrash: (world, { machine }) => {
    // Its supervisor starts it again.
    if (machine.instance === 'running') machine.boot(world.random.between(1000, 30_000));
  },
  agentGone: (_world, { machine }) => {
    if (machine.instance === 'running' && machine.agent !== 'off') machine.ends('gone');
  },
  agentHang: (world, { machine }) => {
    machine.feels('hung');
    const { bootId } = machine;
    world.time.after(world.random.between(5000, 400_000), () => {
      if (machine.bootId === bootId) machine.feels('up');
    });
  },
  agentStarved: (world, { machine }) => {
    machine.feels('starved');
    const { bootId } = machine;
    world.time.after(world.random.between(5000, 200_000), () => {
      if (machine.bootId === bootId) machine.feels('up');
    });
  },
  instanceStops: (world, { machine }) => {
    world.ec2.stop(machine.instanceId, 'itself');
  },
  terminated: (world, member) => {
    world.ec2.terminate(member.machine.instanceId);
    world.time.after(world.random.between(60_000, 400_000), () => void operators.replace(world, member));
  },
  cutFromProxy: (world, member) => {
    member.cutFromProxyUntilMs = world.time.nowMs() + world.random.between(2000, 120_000);
  },
  cutFromDefib: (world, member) => {
    member.cutFromDefibUntilMs = world.time.nowMs() + world.random.between(2000, 300_000);
  },
  longTurn: (world, { machine }) => {
    const forMs = world.random.between(10_000, 240_000);
    const { bootId } = machine;
    machine.activeTasks += 1;
    machine.busyUntilMs = world.time.nowMs() + forMs;
    world.time.after(forMs, () => {
      if (machine.bootId === bootId && machine.activeTasks > 0) machine.activeTasks -= 1;
    });
  },
  console: (world, { machine }) => {
    // Somebody restarts it by hand, and says nothing to Defib.
    world.ec2.stop(machine.instanceId, 'person');
    world.time.after(world.random.between(1000, 90_000), () => {
      world.ec2.start(machine.instanceId);
    });
  },
  personStops: (world, member) => void operators.personStops(world, member),
  replaced: (world, member) => void operators.replace(world, member),
  removed: (world, member) => void operators.remove(world, member),
  paused: (world, member) => void operators.pause(world, member),
  settled: (world, member) => void operators.settle(world, member),
  ordered: (world, member) => void operators.order(world, member, false),
  forced: (world, member) => void operators.order(world, member, true),
  cancelled: (world, member) => void operators.cancel(world, member),
  approved: (world, member) => void operators.approve(world, member),
  released: (world, member) => void operators.release(world, member),
};

const toAll: Record<OfAll, (world: World) => void> = {
  storm: (world) => {
    const share = world.random.next();
    for (const { machine } of world.truth.members) {
      if (world.random.chance(share)) world.ec2.stop(machine.instanceId, 'itself');
    }
  },
  ec2Down: (world) => {
    world.goesDown('ec2', world.random.between(5000, 240_000));
  },
  dynamoDown: (world) => {
    world.goesDown('dynamo', world.random.between(2000, 90_000));
  },
  sqsDown: (world) => {
    world.goesDown('sqs', world.random.between(2000, 90_000));
  },
  fleetPaused: (world) => void operators.pauseFleet(world),
  brakeReleased: (world) => void operators.releaseBrake(world),
  redrive: (world) => void operators.redrive(world),
  poison: (world) => {
    rubbish(world);
  },
  newerVersion: (world) => {
    newerMessage(world);
  },
  purge: (world) => {
    world.purge();
  },
  ages: (world) => void age(world),
  pries: (world) => void operators.pry(world),
  liar: (world) => {
    world.liarUntilMs = world.time.nowMs() + world.random.between(5000, 120_000);
  },
};
