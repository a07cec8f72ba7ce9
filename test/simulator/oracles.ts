/** All oracles together: told of every write, act, arrival and answer. */
import type { Change } from './aws/dynamodb.ts';
import type { ApiAnswer, ApiRequest } from './gateway.ts';
import type { Invocation } from './invocation.ts';
import type { Machine } from './machine.ts';
import { ActOracle, type Act } from './oracles/acts.ts';
import { attemptMayBegin } from './oracles/attempts.ts';
import { beatAnswered, beatCounts } from './oracles/boots.ts';
import * as callers from './oracles/callers.ts';
import { workspaceChanged } from './oracles/claims.ts';
import { HistoryOracle } from './oracles/history.ts';
import { modeIsKept } from './oracles/modes.ts';
import { RequestOracle } from './oracles/requests.ts';
import { sightingsCount } from './oracles/sightings.ts';
import { judged } from './oracles/verdicts.ts';
import type { Witness } from './oracles/witness.ts';
import type { Copy } from './truth.ts';

export class Oracles {
  readonly #witness: Witness;
  readonly #acts: ActOracle;
  readonly #history: HistoryOracle;
  readonly requests: RequestOracle;

  constructor(witness: Witness) {
    this.#witness = witness;
    this.#acts = new ActOracle(witness);
    this.#history = new HistoryOracle(witness);
    this.requests = new RequestOracle(witness);
  }

  changed({ key, before, after }: Change): void {
    switch (key.sk) {
      case 'STATE':
        workspaceChanged(this.#witness, before, after);
        sightingsCount(this.#witness, before, after);
        this.#history.workspaceChanged(before, after);
        modeIsKept(this.#witness, before, after);
        beatCounts(this.#witness, before, after);
        return;
      case 'REQUEST':
        this.requests.rowChanged(before, after);
        attemptMayBegin(this.#witness, before, after);
        return;
      case 'BRAKE':
        this.#acts.fleetChanged(before, after);
        return;
      case 'PARKED':
        if (Number(after?.['count'] ?? 0) < 0)
          this.#witness.broken('V1', 'fewer than no requests are counted');
        return;
      default:
        if (!key.sk.startsWith('VERDICT#')) return;
        judged(this.#witness, before, after);
        this.#history.judged(after);
    }
  }

  acts(act: Act, invocation: Invocation): void {
    this.#acts.acts(act, invocation);
  }

  arrived(copy: Copy, machine: Machine, invocation: Invocation): void {
    this.requests.arrived(copy, machine, invocation);
  }

  answered(request: ApiRequest, answer: ApiAnswer): void {
    this.requests.answered(request, answer);
    beatAnswered(this.#witness, request, answer);
  }

  heard(body: object, answer: ApiAnswer, first: ApiAnswer | undefined): void {
    callers.heard(this.#witness, body, answer, first);
  }

  said(where: string, text: string): void {
    callers.said(this.#witness, where, text);
  }
}
