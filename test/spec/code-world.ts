/**
 * The other side of the model: the real handlers and adapters over a table in memory, two machines, and the messages
 * that were sent. Each action of the model has one method here.
 */
import { emptyFleet } from '../../core/brake.ts';
import { noAnswers } from '../../core/ec2-answers.ts';
import type { ReprobeMessage, RestartMessage } from '../../core/messages.ts';
import { dueWork } from '../../lambdas/adapters/due-work.ts';
import { registry } from '../../lambdas/adapters/registry.ts';
import { openTable, type Table } from '../../lambdas/adapters/table.ts';
import { workspaceStore } from '../../lambdas/adapters/workspace-store.ts';
import type { DueList } from '../../lambdas/ports/due-work.ts';
import type { InstanceLook, PowerOutcome } from '../../lambdas/ports/ec2.ts';
import { memoryTable, type MemoryTable } from '../lambdas/memory-table.ts';
import { aStoredWorkspace, itemOf, mockedAws, portsOver, TABLE } from '../lambdas/mocked-aws.ts';
import { bootIdOf, instanceIdOf, msOf } from './abstraction.ts';
import { Hand } from './hand.ts';

export interface Machine {
  up: boolean;
  launch: number;
  boot: number;
  seq: number;
}

const TAG = { Key: 'defib', Value: 'fleet' };

export class CodeWorld {
  now = 100;
  lastBoot = 2;
  readonly machines = new Map<number, Machine>([
    [1, { up: true, launch: 0, boot: 1, seq: 1 }],
    [2, { up: true, launch: 0, boot: 2, seq: 0 }],
  ]);
  readonly acts: { what: string; instance: number }[] = [];
  readonly reprobes: ReprobeMessage[] = [];
  readonly orders: RestartMessage[] = [];
  readonly table: MemoryTable;
  readonly #aws = mockedAws();
  readonly #ports = portsOver(this.#aws);
  readonly #hands = new Map<string, Hand>();

  constructor() {
    this.table = memoryTable(this.#aws, () => msOf(this.now));
    const heartbeat = { atMs: msOf(80), seq: 1, bootId: bootIdOf(1), intervalMs: 5000, activeTasks: 0 };
    this.table.put(
      itemOf(
        aStoredWorkspace({
          instanceId: instanceIdOf(1),
          generation: 1,
          settleUntilMs: msOf(60),
          freshUntilMs: msOf(95),
          heartbeat,
        }),
      ),
    );
  }

  hand(pid: string): Hand {
    const hand = this.#hands.get(pid) ?? new Hand();
    this.#hands.set(pid, hand);
    return hand;
  }

  boots(instance: number, launch: number): void {
    this.lastBoot += 1;
    this.machines.set(instance, { up: true, launch, boot: this.lastBoot, seq: 0 });
  }

  /** What a handler works with: the real adapters, whose writes of the workspace's row stop at the hand's gate. */
  portsOf(hand: Hand) {
    const gated = gatedTable(hand);
    const due = dueWork(gated);
    return {
      ...this.#ports,
      clock: {
        nowMs: () => msOf(this.now),
        sleep: () => Promise.resolve(),
        every: () => ({ stop: () => {} }),
      },
      workspaces: { ...hand.named(workspaceStore(gated)), takeProbeLease: () => Promise.resolve(true) },
      registry: hand.named(registry(gated)),
      // The index may show too much, at any time.
      due: {
        postponeParked: () => Promise.resolve(),
        postponeWorkspace: (...args: Parameters<typeof due.postponeWorkspace>) =>
          hand.named(due).postponeWorkspace(...args),
        due: (list: DueList) =>
          Promise.resolve({
            value: list === 'workspaces' ? [{ id: 'ws-1' }] : [],
            serverTimeMs: msOf(this.now),
          }),
        putOff: () => Promise.resolve(),
      },
      // The fleet's brake is not in the model: it stays closed.
      brake: {
        read: () => Promise.resolve(emptyFleet),
        replace: () => Promise.resolve('replaced' as const),
        workspaceCount: () => Promise.resolve(1),
      },
      ec2Health: { recent: () => Promise.resolve(noAnswers), note: () => Promise.resolve() },
      queues: {
        ...this.#ports.queues,
        sendReprobe: (message: ReprobeMessage) => Promise.resolve(void this.reprobes.push(message)),
        sendRestart: (message: RestartMessage) => Promise.resolve(void this.orders.push(message)),
      },
      ec2: {
        look: (ids: readonly string[]) => Promise.resolve(new Map(ids.map((id) => [id, this.#look(id)]))),
      },
      power: {
        start: (id: string) => this.#act(hand, 'start', id),
        stop: (id: string) => this.#act(hand, 'stop', id),
      },
      workspaceTag: TAG,
      operatorRoles: ['operator'],
      reporterRoles: ['proxy'],
    };
  }

  /** What EC2 does of a call; with a lost answer it is done all the same. */
  async #act(hand: Hand, what: 'start' | 'stop', instanceId: string): Promise<PowerOutcome> {
    hand.todo = what;
    const answer = await hand.gate();
    const instance = Number(instanceId.slice(-2));
    const machine = this.machines.get(instance);
    if (!machine) throw new Error(`no instance ${instanceId}`);
    const previousState = machine.up ? 'running' : 'stopped';
    this.acts.push({ what, instance });
    if (what === 'stop') machine.up = false;
    else if (!machine.up) this.boots(instance, this.now);
    return answer === 'lost' ? { kind: 'unclear', code: 'TimeoutError' } : { kind: 'done', previousState };
  }

  #look(instanceId: string): InstanceLook {
    const machine = this.machines.get(Number(instanceId.slice(-2)));
    if (!machine) return { probe: { kind: 'unknown', cause: 'absent' }, tags: {} };
    const state = machine.up ? 'running' : 'stopped';
    const probe = { kind: 'seen', state, instanceId, launchTimeMs: msOf(machine.launch) } as const;
    return { probe, tags: { [TAG.Key]: TAG.Value } };
  }
}

/** The table, whose writes of the workspace's row wait for the trace. A lost answer makes the client repeat the write. */
function gatedTable(hand: Hand): Table {
  const { name, client } = openTable(TABLE);
  const send = async (command: {
    input: { Key?: { sk?: string }; TransactItems?: unknown };
  }): Promise<unknown> => {
    const { input } = command;
    const isWrite = command.constructor.name === 'UpdateCommand' || 'TransactItems' in input;
    const isRow = input.Key?.sk === 'STATE' || 'TransactItems' in input;
    const answer = isWrite && isRow ? await hand.gate() : 'ok';
    if (answer === 'lost') {
      try {
        await client.send(command as never);
      } catch {
        // Whatever it said was lost.
      }
    }
    return client.send(command as never);
  };
  return { name, client: { send } as unknown as Table['client'] };
}
