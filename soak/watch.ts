/** Looks at the requests all the time: what was seen final once must be seen so for ever. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { DefibApi } from './defib-api.ts';
import { finalStates, isFinal, type LedgerEntry, type Sighting } from './records.ts';

/** Between two calls, so that looking does not become the load. */
const pauseMs = 150;

export class Watch {
  readonly sightings = new Map<string, Sighting[]>();
  readonly #defib: DefibApi;

  constructor(defib: DefibApi) {
    this.#defib = defib;
  }

  /** Every list of every workspace in turn, until told to stop. */
  async run(workspaceIds: readonly string[], signal: AbortSignal): Promise<void> {
    for (let round = 0; ; round += 1) {
      for (const workspaceId of workspaceIds) {
        // The ended lists grow, so each is read in its turn.
        const endedAs = [undefined, ...finalStates][round % (finalStates.length + 1)];
        for (const entry of await this.#defib.list(workspaceId, endedAs)) this.note(entry);
        // Rejected when the soak is stopped, which the next line sees.
        await sleep(pauseMs, undefined, { signal }).catch(() => {});
        if (signal.aborted) return;
      }
    }
  }

  /** Only changes are kept. */
  note({ requestId, state }: LedgerEntry): void {
    const seen = this.sightings.get(requestId);
    if (!seen) this.sightings.set(requestId, [{ state, atMs: Date.now() }]);
    else if (seen.at(-1)?.state !== state) seen.push({ state, atMs: Date.now() });
  }

  isKnownFinal(requestId: string): boolean {
    return isFinal(this.sightings.get(requestId)?.at(-1)?.state ?? '');
  }
}
