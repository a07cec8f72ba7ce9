/** An agent that keeps what it was sent: the ground truth of what was delivered. */
import type { AgentAnswer, AgentRequest } from '../../../lambdas/ports/agents.ts';

export interface Copy {
  readonly requestId: string;
  readonly key: string;
  /** Everything of the request that must be the same in each copy. */
  readonly bytes: string;
  readonly saidAmbiguous: boolean;
}

export interface Turn {
  readonly answer: AgentAnswer;
  /** How long the agent works at it. @default 200 */
  readonly tookMs?: number;
}

/** What the agent does with the copy of that number, from 1. */
export type Script = (copy: number) => Turn;

export function answered(status: number, text = 'done'): Turn {
  const body = Buffer.from(text).toString('base64');
  return { answer: { kind: 'answered', response: { status, headers: {}, body, truncated: false } } };
}

export class Agent {
  readonly copies: Copy[] = [];
  /** By idempotency key: how a well-made agent does the same thing once. */
  readonly effects = new Set<string>();
  script: Script;

  constructor(script: Script) {
    this.script = script;
  }

  take({ method, path, headers, body }: AgentRequest): Turn {
    const own = Object.entries(headers).filter(([name]) => !name.startsWith('defib-'));
    const key = headers['idempotency-key'] ?? '';
    this.copies.push({
      requestId: headers['defib-request-id'] ?? '',
      key,
      bytes: JSON.stringify([method, path, own.toSorted(), body]),
      saidAmbiguous: headers['defib-ambiguous'] === 'true',
    });
    const turn = this.script(this.copies.length);
    if (turn.answer.kind === 'answered' && turn.answer.response.status < 300) this.effects.add(key);
    return turn;
  }
}
