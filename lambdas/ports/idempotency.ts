/** A call that is made twice, and what it was answered first. */
import type { Answer } from '../../core/answer.ts';

export interface IdempotencyKey {
  readonly principal: string;
  readonly workspaceId: string;
  readonly key: string;
}

/** The first answer given for an idempotency key. */
export interface FirstAnswer {
  readonly fingerprint: string;
  readonly answer: Answer;
  /** The request that was parked by it. */
  readonly requestId?: string;
}

/** A first answer as it is kept. */
export interface KeptAnswer {
  readonly key: IdempotencyKey;
  readonly value: FirstAnswer;
  /** How long it answers a repeat, ms. */
  readonly lifeMs: number;
}
