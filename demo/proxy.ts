/**
 * The user's proxy: it forwards requests to the agents, and when a forward fails it asks Defib what that means. Its
 * caller gets the agent's answer, or Defib's.
 */
import type { ForwardError } from '../core/forward-error.ts';
import { reasonOf } from '../local/local-error.ts';
import type { Defib, ReportAnswer } from './defib.ts';
import type { FollowUp } from './follow-up.ts';
import { forward } from './forward.ts';
import { reportText, toneOf } from './report-text.ts';
import type { SentRequest } from './requests.ts';
import type { Timeline } from './timeline.ts';

/** An agent that has not answered by then is taken for busy or gone. */
const forwardDeadlineMs = 3000;
const longestWaitSeconds = 10;
const turnsPath = '/turns';

export interface Route {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly port: number;
}

export class Proxy {
  readonly #defib: Defib;
  readonly #followUp: FollowUp;
  readonly #timeline: Timeline;
  /** Reports made for a workspace whose callers wait for the verdict every second time. */
  readonly #alternating = new Map<string, number>();

  constructor(parts: { defib: Defib; followUp: FollowUp; timeline: Timeline }) {
    this.#defib = parts.defib;
    this.#followUp = parts.followUp;
    this.#timeline = parts.timeline;
  }

  /** From now on every second report of the workspace waits for its final verdict (`Prefer: wait`). */
  waitEverySecondTime(workspaceId: string): void {
    this.#alternating.set(workspaceId, 0);
  }

  /** Nobody waits any more. */
  waitNoMore(workspaceId: string): void {
    this.#alternating.delete(workspaceId);
  }

  /** Brings one request to its agent, or to Defib, and writes down what its caller is told. */
  async handle(request: SentRequest, route: Route): Promise<void> {
    const forwarded = await forward({
      port: route.port,
      path: turnsPath,
      headers: { 'content-type': 'application/json', 'idempotency-key': request.id },
      body: request.body,
      deadlineMs: forwardDeadlineMs,
    });
    if (forwarded.kind === 'answered') {
      request.answeredStatus = forwarded.status;
      return;
    }
    const error = { ...forwarded.error, instanceId: route.instanceId };
    request.error = error;
    try {
      const answer = await this.#report(request, error);
      request.answer = answer;
      this.#timeline.say({
        workspaceId: request.workspaceId,
        kind: 'forward',
        text: `${reportText(error, answer)}  [${request.id}]`,
        tone: toneOf(answer),
        data: { id: request.id, error, answer },
      });
      this.#followUp.take(request);
    } catch (failure) {
      request.unanswered = reasonOf(failure);
      this.#timeline.say({
        workspaceId: request.workspaceId,
        kind: 'forward',
        text: `${error.kind} -> no answer from Defib: ${request.unanswered}  [${request.id}]`,
        tone: 'bad',
      });
    }
  }

  #report({ id, workspaceId, body }: SentRequest, error: ForwardError): Promise<ReportAnswer> {
    const reported = { id, path: turnsPath, headers: { 'content-type': 'application/json' }, body };
    return this.#defib.report(workspaceId, error, reported, this.#waitSecondsFor(workspaceId));
  }

  #waitSecondsFor(workspaceId: string): number | undefined {
    const made = this.#alternating.get(workspaceId);
    if (made === undefined) return undefined;
    this.#alternating.set(workspaceId, made + 1);
    return made % 2 === 0 ? longestWaitSeconds : undefined;
  }
}
