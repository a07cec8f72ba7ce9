/** What callers are told: the same for the same request, and nothing of anybody's bodies. */
import type { ApiAnswer } from '../gateway.ts';
import type { Witness } from './witness.ts';

/** S30: a repeat of a call gets what the first got. */
export function heard(witness: Witness, body: object, answer: ApiAnswer, first: ApiAnswer | undefined): void {
  const { verdict } = answer.body;
  if (typeof verdict === 'string') witness.seen(`answer ${verdict} ${textOf(answer.body['reason'])}`);
  else witness.seen(`answer ${answer.status} ${textOf(answer.body['code'])}`);
  if (JSON.stringify(answer.body).includes('zebra')) witness.broken('S29', 'an answer quotes a body');
  if (!first || !('request' in body)) return;
  if (first.status !== 202 || answer.status !== 202) return;
  const before = first.body['requestId'];
  const now = answer.body['requestId'];
  if (before !== undefined && before !== now)
    witness.broken('S30', `a repeat was given ${textOf(now)} instead of ${textOf(before)}`);
}

/** S29: neither logs nor news carry what callers have sent. */
export function said(witness: Witness, where: string, text: string): void {
  if (text.includes('zebra')) witness.broken('S29', `${where} quotes a body`);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}
