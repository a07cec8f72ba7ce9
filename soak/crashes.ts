/**
 * Crashes of the functions that deliver. The process that is delivering is killed, at some point between the request's
 * arrival at the agent and a moment after the agent's answer, when the outcome is on its way to the ledger. And now and
 * then any process of receive or deliver is killed, whatever it does. For the emulator the invocation has then failed,
 * as it would have for Lambda: the message is seen again when its visibility has passed.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Chance } from './chance.ts';
import type { Arrival } from './records.ts';
import { holderOf, workersOf } from './workers.ts';

export interface Crash {
  readonly requestId: string;
  readonly attempt: number;
  readonly atMs: number;
}

/** How often deliveries crash. */
export interface CrashPlan {
  /** Of all deliveries. */
  readonly share: number;
  readonly most: number;
  /** How long after the agent's answer a crash may still come. An outcome takes some 20 ms to the ledger. */
  readonly afterTheAnswerMs: number;
  /** About how often any process is killed besides, whatever it does. */
  readonly strikeEveryMs: number;
}

export interface CrashParts extends CrashPlan {
  /** Names of the deployed functions. */
  readonly functions: { readonly deliver: string; readonly receive: string };
  /** The process whose descendants may be killed. */
  readonly below: number;
  readonly chance: Chance;
}

export class Crashes {
  readonly done: Crash[] = [];
  /** Of processes that did whatever they did. */
  strikes = 0;
  readonly #parts: CrashParts;
  #begun = 0;

  constructor(parts: CrashParts) {
    this.#parts = parts;
  }

  /** Kills the worker that holds this connection, sooner or later, when chance says so. */
  onArrival(arrival: Arrival, socket: Socket, workMs: number): void {
    const { chance, share, most, functions, below, afterTheAnswerMs } = this.#parts;
    if (this.#begun >= most || !chance.happens(share)) return;
    const pid = holderOf(socket.remotePort ?? 0, workersOf(functions.deliver, below));
    if (pid === undefined) return;
    this.#begun += 1;
    const inMs = chance.between(0, Math.min(workMs, 3000) + afterTheAnswerMs);
    void sleep(inMs).then(() => {
      if (!kill(pid)) return;
      this.done.push({ requestId: arrival.requestId, attempt: arrival.attempt, atMs: Date.now() });
    });
  }

  /** Kills some process every now and then, until it is told to stop. */
  async strike(signal: AbortSignal): Promise<void> {
    const { functions, below, strikeEveryMs } = this.#parts;
    const chance = this.#parts.chance.of('strikes');
    for (;;) {
      const pauseMs = chance.between(0.5, 1.5) * strikeEveryMs;
      const ends = await sleep(pauseMs, false, { signal }).catch(() => true);
      if (ends) return;
      const workers = workersOf(chance.happens(0.5) ? functions.receive : functions.deliver, below);
      const pid = workers[Math.floor(chance.between(0, workers.length))];
      if (pid !== undefined && kill(pid)) this.strikes += 1;
    }
  }
}

/** False when it is gone already. */
function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
