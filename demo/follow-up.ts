/**
 * Follows what Defib has promised: each parked request to its final state in the ledger, each pending verdict to its
 * final word. A caller that was told 202 would do the same.
 */
import { setInterval as every } from 'node:timers/promises';

import type { Defib, Receipt } from './defib.ts';
import { isOpen, parkedIdOf, type SentRequest } from './requests.ts';
import type { Timeline } from './timeline.ts';
import { until } from './until.ts';

const lookEveryMs = 1500;
/** Requests of a workspace end in their order, nearly always: the rest is looked at every so many rounds. */
const allEveryRounds = 5;
const finalStates = ['delivered', 'refused', 'expired', 'cancelled', 'dead-lettered'];
/** Longer than Defib keeps any verdict pending. */
const verdictPatienceSeconds = 120;

export class FollowUp {
  readonly #defib: Defib;
  readonly #timeline: Timeline;
  readonly #signal: AbortSignal;
  readonly #open = new Map<string, SentRequest[]>();
  readonly #verdicts = new Map<string, Promise<Receipt>>();

  constructor(parts: { defib: Defib; timeline: Timeline; signal: AbortSignal }) {
    this.#defib = parts.defib;
    this.#timeline = parts.timeline;
    this.#signal = parts.signal;
  }

  /** Takes up a request that Defib has answered for. */
  take(request: SentRequest): void {
    const { workspaceId, answer } = request;
    if (isOpen(request)) this.#open.set(workspaceId, [...this.openOf(workspaceId), request]);
    if (answer?.verdict === 'pending' && answer.verdictId !== undefined) {
      // Nobody waits for it here; a story that does sees the failure.
      this.finalVerdict(workspaceId, answer.verdictId).catch(() => {});
    }
  }

  /** Promised requests that have not ended yet, oldest first. */
  openOf(workspaceId: string): readonly SentRequest[] {
    return this.#open.get(workspaceId) ?? [];
  }

  /** How many are open, by workspace; only those that have some. */
  openCounts(): ReadonlyMap<string, number> {
    const counts = [...this.#open].map(([workspaceId, requests]) => [workspaceId, requests.length] as const);
    return new Map(counts.filter(([, count]) => count > 0));
  }

  /** The receipt, once its verdict is final. However many ask, Defib is asked by one. */
  finalVerdict(workspaceId: string, verdictId: string): Promise<Receipt> {
    const known = this.#verdicts.get(verdictId);
    if (known) return known;
    const asked = this.#awaitVerdict(workspaceId, verdictId);
    this.#verdicts.set(verdictId, asked);
    return asked;
  }

  /** Looks at the open requests until told to stop. */
  async run(): Promise<void> {
    let round = 0;
    for await (const _ of every(lookEveryMs, undefined, { signal: this.#signal })) {
      round += 1;
      const lookAtAll = round % allEveryRounds === 0;
      await Promise.all([...this.#open.keys()].map((workspaceId) => this.#look(workspaceId, lookAtAll)));
    }
  }

  async #look(workspaceId: string, lookAtAll: boolean): Promise<void> {
    const ended: SentRequest[] = [];
    for (const request of this.openOf(workspaceId)) {
      // A look that fails is made again in the next round; one that always fails ends as `lost`.
      const seen = await this.#defib.request(parkedIdOf(request) ?? '').catch(() => undefined);
      if (!seen) break;
      const { state, attempts, why } = seen;
      if (finalStates.includes(state)) {
        request.end = { state, attempts, ...(why !== undefined && { why }) };
        ended.push(request);
      } else if (!lookAtAll) break;
    }
    if (ended.length === 0) return;
    this.#open.set(workspaceId, this.openOf(workspaceId).filter(isOpen));
    this.#tell(workspaceId, ended);
  }

  #tell(workspaceId: string, ended: readonly SentRequest[]): void {
    for (const [outcome, requests] of Map.groupBy(ended, outcomeOf)) {
      const waited = requests.map(({ sentAtMs }) => Math.round((Date.now() - sentAtMs) / 1000));
      const [least, most] = [Math.min(...waited), Math.max(...waited)];
      const after = least === most ? `${most} s` : `${least} to ${most} s`;
      const [only] = requests;
      const what = requests.length === 1 && only ? `[${only.id}]` : `${requests.length} parked requests`;
      this.#timeline.say({
        workspaceId,
        kind: 'delivery',
        text: `${what} ${outcome}, ${after} after ${requests.length === 1 ? 'it was' : 'they were'} sent`,
        tone: outcome === 'delivered' ? 'good' : 'plain',
        data: { ids: requests.map(({ id }) => id), outcome },
      });
    }
  }

  async #awaitVerdict(workspaceId: string, verdictId: string): Promise<Receipt> {
    const receipt = await until(
      {
        what: `the verdict ${verdictId}`,
        withinSeconds: verdictPatienceSeconds,
        everyMs: 1000,
        signal: this.#signal,
      },
      async () => {
        const seen = await this.#defib.receipt(workspaceId, verdictId);
        return seen.verdict !== 'pending' && seen;
      },
    );
    const { verdict, reason, rule, looks } = receipt;
    this.#timeline.say({
      workspaceId,
      kind: 'verdict',
      text: `pending -> ${verdict}: ${reason}, after ${looks.length} ${looks.length === 1 ? 'look' : 'looks'} (rule ${rule})`,
      tone: verdict === 'dead' ? 'bad' : verdict === 'alive' ? 'good' : 'doubt',
      data: { verdictId, verdict, reason, rule },
    });
    return receipt;
  }
}

function outcomeOf({ end }: SentRequest): string {
  return end?.why === undefined ? (end?.state ?? 'open') : `${end.state} (${end.why})`;
}
