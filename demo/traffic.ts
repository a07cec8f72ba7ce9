/** The callers: a steady stream of requests for each workspace, whatever becomes of them. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Turn } from './agent-talk.ts';
import type { Proxy, Route } from './proxy.ts';
import { newRequest, type SentRequest } from './requests.ts';

const usualWorkMs = 60;
const mostPaddingBytes = 2000;
/** By how much of the interval a request may be early or late. */
const unevenness = 0.15;

export class Traffic {
  readonly #proxy: Proxy;
  readonly #signal: AbortSignal;
  /** Tells the requests of this run from those of an earlier one on the same AWS. */
  readonly #run = randomBytes(2).toString('hex');
  readonly #sent: SentRequest[] = [];
  readonly #held = new Set<string>();
  readonly #underWay = new Map<Promise<void>, string>();

  constructor(proxy: Proxy, signal: AbortSignal) {
    this.#proxy = proxy;
    this.#signal = signal;
  }

  get sent(): readonly SentRequest[] {
    return this.#sent;
  }

  sentTo(workspaceId: string): SentRequest[] {
    return this.#sent.filter((request) => request.workspaceId === workspaceId);
  }

  /** Sends a request about so often until told to stop; it does not wait for the answers. */
  async stream(route: Route, everyMs: number): Promise<void> {
    for (;;) {
      // Never in step with the heartbeats: an agent that is seen only while it works would look busy for ever.
      await sleep(everyMs * (1 + unevenness * (2 * Math.random() - 1)), undefined, { signal: this.#signal });
      if (!this.#held.has(route.workspaceId)) void this.send(route);
    }
  }

  /** Sends one request, and resolves when its caller has an answer. */
  async send(route: Route, workMs = usualWorkMs): Promise<SentRequest> {
    const { workspaceId } = route;
    const no = String(this.sentTo(workspaceId).length + 1).padStart(3, '0');
    const padding = randomBytes(Math.ceil(Math.random() * mostPaddingBytes)).toString('base64');
    const turn: Turn = { say: padding, workMs };
    const body = Buffer.from(JSON.stringify(turn));
    const request = newRequest(`${workspaceId}-${this.#run}-${no}`, workspaceId, body, Date.now());
    this.#sent.push(request);
    const handled = this.#proxy.handle(request, route);
    this.#underWay.set(handled, workspaceId);
    await handled.finally(() => this.#underWay.delete(handled));
    return request;
  }

  /** Holds the stream back, and waits until what was sent is answered: a story is going to look closely. */
  async hold(workspaceId: string): Promise<void> {
    this.#held.add(workspaceId);
    await Promise.all(
      [...this.#underWay].flatMap(([handled, whose]) => (whose === workspaceId ? [handled] : [])),
    );
  }

  resume(workspaceId: string): void {
    this.#held.delete(workspaceId);
  }

  /** Resolves when every caller has an answer. */
  async allAnswered(): Promise<void> {
    await Promise.all(this.#underWay.keys());
  }
}
