/** The ports of one invocation: real stores, and fakes for what is not AWS's database; each write may meet the fault. */
import { defaultSettings } from '../../../core/policy.ts';
import { systemIds } from '../../../lambdas/adapters/clock.ts';
import { deadLetters } from '../../../lambdas/adapters/dead-letters.ts';
import { dueWork } from '../../../lambdas/adapters/due-work.ts';
import { ledger } from '../../../lambdas/adapters/ledger.ts';
import { receiptStore } from '../../../lambdas/adapters/receipt-store.ts';
import { registry } from '../../../lambdas/adapters/registry.ts';
import { restartEnds } from '../../../lambdas/adapters/restart-ends.ts';
import { workspaceStore } from '../../../lambdas/adapters/workspace-store.ts';
import type { DeliverPorts } from '../../../lambdas/deliver/end.ts';
import type { ForwardErrorPorts } from '../../../lambdas/forward-error/conclude.ts';
import type { RedrivePorts } from '../../../lambdas/operate/redrive.ts';
import type { AgentHttp } from '../../../lambdas/ports/agents.ts';
import type { Clock } from '../../../lambdas/ports/clock.ts';
import type { Ec2Probe } from '../../../lambdas/ports/ec2.ts';
import type { Events } from '../../../lambdas/ports/events.ts';
import type { BrakeStore } from '../../../lambdas/ports/fleet.ts';
import type { Log } from '../../../lambdas/ports/log.ts';
import type { Queues } from '../../../lambdas/ports/queues.ts';
import type { SweepPorts } from '../../../lambdas/sweep/handle.ts';
import { CrashError, WriteFailedError, type Life } from './faults.ts';
import { StaleHandleError } from './fifo-queue.ts';
import type { World } from './world.ts';

export type AllPorts = DeliverPorts & ForwardErrorPorts & RedrivePorts & SweepPorts;

/** Nothing is restarted here. */
const quietFleet: BrakeStore = {
  read: () => Promise.resolve({ admitted: {}, deaths: [], brake: 'closed', revision: 0 }),
  replace: () => Promise.resolve('lost'),
  workspaceCount: () => Promise.resolve(1),
};

const ids = { ...systemIds(), jitter: () => 0 };

export function portsOf(world: World, life: Life): AllPorts {
  const table = world.own.seenBy(life);
  return {
    clock: clockOf(world, life),
    ids,
    log: logOf(world),
    settings: defaultSettings,
    workspaces: workspaceStore(table),
    registry: registry(table),
    receipts: receiptStore(table),
    ledger: ledger(table),
    deadLetters: deadLetters(table),
    due: dueWork(table),
    restartEnds: restartEnds(table),
    brake: quietFleet,
    ec2Health: { recent: () => Promise.resolve({ answered: 0, failed: 0 }) },
    queues: queuesOf(world, life),
    ec2: ec2Of(world, life),
    agents: agentsOf(world, life),
    events: eventsOf(world, life),
    reach: { cidrs: ['10.0.0.0/16'] },
    workspaceTag: { Key: 'defib', Value: 'workspace' },
    operatorRoles: ['operator'],
    reporterRoles: ['proxy'],
  };
}

function clockOf({ time }: World, life: Life): Clock {
  return {
    nowMs: () => time.nowMs,
    sleep: (ms) => time.sleep(ms),
    every(intervalMs, work) {
      let stop = () => {};
      const again = (): void => {
        stop = time.after(intervalMs, () => {
          // What it throws the real clock logs.
          if (!life.ended) time.start(() => work().catch(() => {}));
          again();
        });
      };
      again();
      return {
        stop: () => {
          stop();
        },
      };
    },
  };
}

function queuesOf(world: World, life: Life): Queues {
  const { queue, writes } = world;
  const elsewhere = (name: string) => () => writes.run(life, `Send ${name}`, () => {});
  return {
    sendReprobe: elsewhere('re-probe'),
    sendRestart: elsewhere('restart'),
    sendParked: (message) => writes.run(life, 'Send parked', () => queue.send(message)),
    sendDelivery: (message) =>
      writes.run(life, 'Hand on', () => {
        world.handOn(message);
      }),
    setParkedVisibility: (handle, seconds) =>
      writes.run(life, 'Visibility', () => queue.setVisibility(handle, seconds)),
    deleteParked: (handle) =>
      writes.run(life, 'Delete parked', () => {
        queue.delete(handle);
      }),
    parkedDepth: () => Promise.resolve(queue.depth),
  };
}

function ec2Of({ instance }: World, life: Life): Ec2Probe {
  return {
    look(instanceIds) {
      life.check();
      const look = (instanceId: string) => ({
        probe: {
          kind: 'seen' as const,
          instanceId,
          state: instance.state,
          launchTimeMs: instance.launchTimeMs,
        },
        privateIp: instance.privateIp,
        tags: {},
      });
      return Promise.resolve(new Map(instanceIds.map((id) => [id, look(id)])));
    },
  };
}

function agentsOf({ agent, time }: World, life: Life): AgentHttp {
  return {
    async send(request) {
      life.check();
      const { answer, tookMs = 200 } = agent.take(request);
      await time.sleep(tookMs);
      life.check();
      life.hasWritten = false;
      return answer;
    },
  };
}

function eventsOf({ published, writes }: World, life: Life): Events {
  return {
    async publish(type, { requestId }) {
      try {
        await writes.run(life, `Publish ${type}`, () => {
          published.push({ type, requestId: String(requestId) });
        });
        return true;
      } catch (error) {
        // As the adapter does: an event is news, not state.
        if (error instanceof WriteFailedError) return false;
        throw error;
      }
    },
  };
}

function logOf(world: World): Log {
  const { surprises } = world;
  const isExplained = (error: unknown): boolean =>
    error instanceof CrashError || error instanceof WriteFailedError || error instanceof StaleHandleError;
  return {
    info: (message, fields) => {
      if (message === 'delivery deferred') world.deferredBecause = String(fields?.['because']);
    },
    warn: () => {},
    error: (message, _fields, error) => {
      if (!isExplained(error)) surprises.push(error ?? message);
    },
    count: () => {},
  };
}
