/** All oracles together: told of every write, act, arrival and answer. */
import type { LogFields } from '../../lambdas/ports/log.ts';
import type { Change } from './aws/dynamodb.ts';
import type { ApiAnswer, ApiRequest } from './gateway.ts';
import type { Invocation } from './invocation.ts';
import type { Machine } from './machine.ts';
import { ActOracle, type Act } from './oracles/acts.ts';
import { AttemptOracle } from './oracles/attempts.ts';
import { beatCounts, beatRefused } from './oracles/boots.ts';
import { CapacityOracle } from './oracles/capacity.ts';
import { bodyIsKept } from './oracles/bodies.ts';
import { CancelledOracle } from './oracles/cancelled.ts';
import * as callers from './oracles/callers.ts';
import { workspaceChanged } from './oracles/claims.ts';
import { CounterOracle } from './oracles/counters.ts';
import { EndOracle } from './oracles/ends.ts';
import { EscalationOracle } from './oracles/escalation.ts';
import { ExpiredOracle } from './oracles/expired.ts';
import { GoneOracle } from './oracles/gone.ts';
import { HeardOracle } from './oracles/heard.ts';
import { HistoryOracle } from './oracles/history.ts';
import { IntentOracle } from './oracles/intents.ts';
import { modeIsKept } from './oracles/modes.ts';
import { OddOracle } from './oracles/odd.ts';
import { ProbeOracle } from './oracles/probes.ts';
import { RequestOracle } from './oracles/requests.ts';
import { sightingsCount } from './oracles/sightings.ts';
import { TakenBackOracle } from './oracles/taken-back.ts';
import { TenantOracle } from './oracles/tenants.ts';
import { TrueTimesOracle } from './oracles/true-times.ts';
import { VersionOracle } from './oracles/versions.ts';
import { judged, StoryOracle } from './oracles/verdicts.ts';
import type { Witness } from './oracles/witness.ts';
import type { Weights } from './swarm.ts';
import type { Command } from './sdk.ts';
import type { Stranger } from './stranger.ts';
import type { Copy, Sight } from './truth.ts';

export class Oracles {
  readonly #witness: Witness & { readonly weights: Weights };
  readonly #acts: ActOracle;
  readonly #attempts: AttemptOracle;
  readonly #cancelled: CancelledOracle;
  readonly #ends: EndOracle;
  readonly #gone: GoneOracle;
  readonly #heard: HeardOracle;
  readonly #history: HistoryOracle;
  readonly #intents: IntentOracle;
  readonly #stories: StoryOracle;
  readonly #probes: ProbeOracle;
  readonly #takenBack: TakenBackOracle;
  readonly #tenants: TenantOracle;
  readonly #times: TrueTimesOracle;
  readonly #escalation: EscalationOracle;
  readonly #expired: ExpiredOracle;
  readonly #versions: VersionOracle;
  readonly capacity: CapacityOracle;
  readonly counters: CounterOracle;
  readonly odd: OddOracle;
  readonly requests: RequestOracle;

  constructor(witness: Witness & { readonly weights: Weights }) {
    this.#witness = witness;
    this.#acts = new ActOracle(witness);
    this.#attempts = new AttemptOracle(witness);
    this.#cancelled = new CancelledOracle(witness);
    this.#ends = new EndOracle(witness);
    this.#gone = new GoneOracle(witness);
    this.#heard = new HeardOracle(witness);
    this.#stories = new StoryOracle(witness);
    this.#intents = new IntentOracle(witness);
    this.#history = new HistoryOracle(witness);
    this.#probes = new ProbeOracle(witness);
    this.#takenBack = new TakenBackOracle(witness);
    this.#tenants = new TenantOracle(witness);
    this.#times = new TrueTimesOracle(witness);
    this.#escalation = new EscalationOracle(witness);
    this.#versions = new VersionOracle(witness);
    this.#expired = new ExpiredOracle(witness);
    this.capacity = new CapacityOracle(witness);
    this.odd = new OddOracle(witness);
    this.counters = new CounterOracle(witness);
    this.requests = new RequestOracle(witness);
  }

  /** Days went by: of what lay in the queues nothing is certain any more. */
  tooOld(): void {
    for (const queue of ['reprobe', 'restart', 'parked', 'deliveries']) this.odd.purged(queue);
    this.requests.purged();
  }

  /** Another version of the code leaves an item so. */
  left(change: Change): void {
    this.#versions.left(change);
  }

  /** DynamoDB itself has removed what had expired. */
  expired({ key, before }: Change): void {
    this.#expired.removed(key, before);
  }

  changed({ key, before, after }: Change): void {
    this.odd.effect(this.#witness.acting);
    this.#versions.changed({ key, before, after });
    switch (key.sk) {
      case 'STATE':
        workspaceChanged(this.#witness, before, after);
        sightingsCount(this.#witness, before, after);
        this.#acts.workspaceChanged(after);
        this.#attempts.workspaceChanged(before, after);
        this.#cancelled.workspaceChanged(before, after);
        this.#ends.workspaceChanged(before, after);
        this.#gone.workspaceChanged(before, after);
        this.#heard.workspaceChanged(before, after);
        this.#history.workspaceChanged(before, after);
        this.#intents.workspaceChanged(before, after);
        this.#times.workspaceChanged(before, after);
        this.#escalation.workspaceChanged(before, after);
        this.capacity.workspaceChanged(before, after);
        modeIsKept(this.#witness, before, after);
        beatCounts(this.#witness, before, after);
        return;
      case 'REQUEST':
        this.requests.rowChanged(before, after);
        bodyIsKept(this.#witness, before, after);
        this.#tenants.rowChanged(after);
        this.#takenBack.rowChanged(before, after);
        this.#expired.rowChanged(before, after);
        this.counters.rowChanged(after);
        this.#attempts.rowChanged(before, after);
        return;
      case 'PROBE':
        this.#probes.leaseChanged(key.pk.slice('WS#'.length), before, after);
        return;
      case 'BRAKE':
        this.#acts.fleetChanged(before, after);
        return;
      case 'PARKED':
        this.counters.parkedChanged(key.pk.slice('WS#'.length), before, after);
        return;
      default:
        if (key.sk.startsWith('RESTART#')) this.capacity.restartEnded(after);
        if (!key.sk.startsWith('VERDICT#')) return;
        judged(this.#witness, before, after);
        this.#stories.written(before, after);
        this.#cancelled.judged(before, after);
        this.#history.judged(after);
        this.#escalation.judged(before, after);
    }
  }

  /** A call of the database, or of a queue. */
  called(command: Command, invocation: Invocation): void {
    this.#tenants.called(command, invocation);
    this.#ends.called(command, invocation);
  }

  /** DescribeInstances, as EC2 has carried it out. */
  looked(ids: readonly string[], invocation: Invocation): void {
    this.#probes.looked(ids, invocation);
    this.#tenants.looked(ids, invocation);
  }

  saw(workspaceId: string, sight: Sight): void {
    this.#escalation.saw(workspaceId, sight);
  }

  /** EC2 was asked to start an instance; `refusal`: the code with which it would not. */
  started(instanceId: string, refusal: string | undefined, invocation: Invocation): void {
    this.capacity.started(instanceId, refusal, invocation);
  }

  news(type: string, detail: object): void {
    this.capacity.news(type, detail);
    this.#gone.news(type, detail);
    this.said('news', JSON.stringify(detail));
  }

  logged(message: string, fields: LogFields, by: number): void {
    this.#escalation.said(message, fields['workspaceId'], by);
    this.said('a log', message, ...Object.values(fields));
  }

  acts(act: Act, invocation: Invocation): void {
    this.odd.effect(invocation);
    this.#acts.acts(act, invocation, this.#intents.acts(act, invocation));
  }

  arrived(copy: Copy, machine: Machine, invocation: Invocation): void {
    this.requests.arrived(copy, machine, invocation);
  }

  metStranger(copy: Copy, who: Stranger, invocation: Invocation): void {
    this.requests.metStranger(copy, who, invocation);
  }

  /** `calledMs`: when the call was made. */
  answered(request: ApiRequest, answer: ApiAnswer, calledMs: number): void {
    this.requests.answered(request, answer);
    this.#tenants.answered(request, answer);
    this.#takenBack.answered(request, answer, calledMs);
    this.#expired.answered(request, answer);
    if (request.route.endsWith('/heartbeats')) {
      this.#heard.beatAnswered(request, answer, calledMs);
      beatRefused(this.#witness, request, answer);
    }
  }

  heard(body: object, answer: ApiAnswer, first: ApiAnswer | undefined): void {
    callers.heard(this.#witness, body, answer, first);
  }

  said(where: string, ...said: readonly unknown[]): void {
    for (const each of said) if (typeof each === 'string') callers.said(this.#witness, where, each);
  }
}
