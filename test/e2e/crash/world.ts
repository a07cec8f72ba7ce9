/**
 * One workspace and everything around it: the real use cases over the real stores, with a queue, an agent and an EC2
 * that keep the truth, in virtual time. What AWS does by itself happens here: messages come back, the sweep runs.
 */
import type { DeliveryMessage, ParkedMessage } from '../../../core/messages.ts';
import { defaultSettings, policyOf } from '../../../core/policy.ts';
import type { Receipt } from '../../../core/receipt.ts';
import type { Workspace, InstanceState } from '../../../core/workspace.ts';
import { dueWork } from '../../../lambdas/adapters/due-work.ts';
import { ledger } from '../../../lambdas/adapters/ledger.ts';
import { receiptStore } from '../../../lambdas/adapters/receipt-store.ts';
import { registry } from '../../../lambdas/adapters/registry.ts';
import { workspaceStore } from '../../../lambdas/adapters/workspace-store.ts';
import { handleHandedOn } from '../../../lambdas/deliver/handed-on.ts';
import type { EventType } from '../../../lambdas/ports/events.ts';
import type { Received } from '../../../lambdas/ports/queues.ts';
import { handleReceived } from '../../../lambdas/receive/handle.ts';
import { handleSweep } from '../../../lambdas/sweep/handle.ts';
import { Agent, answered } from './agent.ts';
import { ANSWER, Life, WriteFailedError, type Writes } from './faults.ts';
import { FifoQueue } from './fifo-queue.ts';
import type { OwnTable } from './own-table.ts';
import { portsOf, type AllPorts } from './ports.ts';
import type { VirtualTime } from './virtual-time.ts';

/** `lost`: the function died, or its answer did; `failed`: it threw, which the API answers with 503. */
export type Outcome<T> = T | 'lost' | 'failed';

export const WORKSPACE = 'ws-1';
export const INSTANCE = 'i-0123456789abcdef0';
const SWEEP_EVERY_MS = 60_000;
const LONGEST_RUN_MS = 3 * 60 * 60_000;

export class World {
  readonly time: VirtualTime;
  readonly writes: Writes;
  readonly own: OwnTable;
  readonly queue: FifoQueue;
  readonly agent = new Agent(() => answered(200));
  /** What EC2 shows. */
  readonly instance;
  readonly published: { readonly type: EventType; readonly requestId: string }[] = [];
  /** Requests that a caller was told to be kept. */
  readonly promised = new Set<string>();
  /** Errors that no fault explains. */
  readonly surprises: unknown[] = [];
  /** How long it took after a delivery had died until another one was at it. */
  longestPauseMs = 0;
  /** Why the last delivery was put off. */
  deferredBecause = '';
  /** How many copies of each message, and of each sweep, run at once. */
  atOnce = 1;
  #actors = 0;
  #handedOn = 0;
  #diedAtMs: number | undefined;
  #isOver = false;

  constructor(time: VirtualTime, writes: Writes, own: OwnTable) {
    this.time = time;
    this.writes = writes;
    this.own = own;
    this.instance = {
      state: 'running' as InstanceState,
      launchTimeMs: time.nowMs - 7_200_000,
      privateIp: '10.0.1.5',
    };
    this.queue = new FifoQueue(time, (received) => {
      for (let copy = 0; copy < this.atOnce; copy += 1) time.start(() => this.#receive(received));
    });
  }

  /** Registers the workspace, as if long ago. */
  async register(changes: { settlesForMs?: number; pause?: Workspace['pause'] } = {}): Promise<void> {
    const { nowMs } = this.time;
    const store = registry(this.own.table);
    await store.register(
      {
        workspaceId: WORKSPACE,
        instanceId: INSTANCE,
        port: 8080,
        protocol: 'http',
        path: '/',
        desired: 'running',
      },
      'absent',
      { fromMs: nowMs - 60_000, untilMs: nowMs + (changes.settlesForMs ?? -1000) },
    );
    if (changes.pause) await store.pause(WORKSPACE, changes.pause);
  }

  /** Somebody who makes calls; the run is not over before they are through. */
  play(actor: () => Promise<void>): void {
    this.#actors += 1;
    this.time.start(async () => {
      await actor();
      this.#actors -= 1;
    });
  }

  /** Runs until everybody is through, the queue is empty and no row waits for anything. */
  async runToTheEnd(): Promise<void> {
    this.#sweepLater();
    await this.time.run(() => this.#isOver, LONGEST_RUN_MS);
  }

  /** One invocation of one function. */
  async invoke<T>(work: (ports: AllPorts) => Promise<T>): Promise<Outcome<T>> {
    const life = new Life();
    try {
      const result = await work(portsOf(this, life));
      return await this.writes.run(life, ANSWER, () => result);
    } catch (error) {
      if (life.ended) return 'lost';
      if (error instanceof WriteFailedError) return 'failed';
      throw error;
    }
  }

  /** From receive to deliver, by a queue of its own. */
  handOn(message: DeliveryMessage): void {
    this.#handedOn += 1;
    const id = `delivery-${this.#handedOn}`;
    const { nowMs } = this.time;
    this.time.after(0, () => {
      this.time.start(() =>
        this.#deliver({
          id,
          receiptHandle: id,
          body: structuredClone(message),
          receives: 1,
          sentAtMs: nowMs,
          firstReceivedAtMs: this.time.nowMs,
        }),
      );
    });
  }

  /** A function that died says nothing: its message stays hidden for as long as it was. */
  async #receive(received: Received<ParkedMessage>): Promise<void> {
    const before = this.#handedOn;
    await this.invoke((ports) => handleReceived([received], ports));
    if (this.#handedOn === before) this.#diedAtMs ??= this.time.nowMs;
  }

  async #deliver(delivery: Received<DeliveryMessage>): Promise<void> {
    const beganMs = this.time.nowMs;
    this.deferredBecause = '';
    const settled = await this.invoke((ports) => handleHandedOn([delivery], ports));
    if (settled === 'lost' || settled === 'failed') this.#diedAtMs ??= this.time.nowMs;
    else this.#noteRetry(beganMs);
  }

  /** To find the dead one's lease is not to try again. */
  #noteRetry(beganMs: number): void {
    if (this.#diedAtMs === undefined || this.deferredBecause === 'in-delivery') return;
    this.longestPauseMs = Math.max(this.longestPauseMs, beganMs - this.#diedAtMs);
    this.#diedAtMs = undefined;
  }

  #sweepLater(): void {
    this.time.after(SWEEP_EVERY_MS, () => {
      for (let copy = 0; copy < this.atOnce; copy += 1)
        this.time.start(async () => {
          await this.invoke(handleSweep);
        });
      this.time.after(1, () => {
        this.time.start(() => this.#look());
      });
      this.#sweepLater();
    });
  }

  async #look(): Promise<void> {
    if (this.#actors > 0 || this.queue.depth > 0) return;
    const due = dueWork(this.own.table);
    const ever = Number.MAX_SAFE_INTEGER;
    const waiting = await Promise.all(
      (['requests', 'parked'] as const).map((list) => due.due(list, ever, { limit: 1 })),
    );
    this.#isOver = waiting.every(({ value }) => value.length === 0);
  }

  get ledger() {
    return ledger(this.own.table);
  }

  /** A verdict that another function concludes meanwhile. */
  async concludeVerdict(
    verdictId: string,
    verdict: Receipt['verdict'],
    reason: Receipt['reason'],
  ): Promise<void> {
    const receipts = receiptStore(this.own.table);
    // Where the first look left none, the second look writes it.
    const receipt = (await receipts.read(WORKSPACE, verdictId)) ?? ownReceipt(verdictId, this.time.nowMs);
    await receipts.put({ ...receipt, verdict, reason });
    await this.forgetEvidence(verdictId);
  }

  async forgetEvidence(verdictId: string): Promise<void> {
    await workspaceStore(this.own.table).removeEvidence(WORKSPACE, verdictId);
  }
}

function ownReceipt(verdictId: string, atMs: number): Receipt {
  const policy = policyOf(defaultSettings);
  const about = { verdictId, workspaceId: WORKSPACE, errorKind: 'refused', askedBy: 'role/proxy' } as const;
  return {
    ...about,
    verdict: 'pending',
    reason: 'stopped',
    rule: '9-first-sighting',
    atMs,
    openedAtMs: atMs,
    looks: [],
    flip: [],
    policy,
    policyVersion: '',
  };
}
