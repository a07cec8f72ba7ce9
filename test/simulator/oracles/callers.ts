/** What callers are told: the same for the same request, and nothing of anybody's bodies. */
import type { ApiAnswer } from '../gateway.ts';
import { isTakenBack } from './taken-back.ts';
import { requestIn, type Witness } from './witness.ts';

/** In what proxies send, and in nothing else. */
export const MARK = 'zebra 7531';
/** Bodies are base64 everywhere: as the mark looks where it stands at the beginning of one. */
const marks: readonly string[] = [MARK, Buffer.from(MARK).toString('base64').slice(0, 13)];

/** S30: a repeat of a call gets what the first got, unless its verdict has taken that back. */
export function heard(witness: Witness, body: object, answer: ApiAnswer, first: ApiAnswer | undefined): void {
  const { verdict } = answer.body;
  if (typeof verdict === 'string') witness.seen(`answer ${verdict} ${textOf(answer.body['reason'])}`);
  else witness.seen(`answer ${answer.status} ${textOf(answer.body['code'])}`);
  if (isMarked(JSON.stringify(answer.body))) witness.broken('S29', 'an answer quotes a body');
  if (!first || !('request' in body)) return;
  if (first.status !== 202 || answer.status !== 202) return;
  const before = first.body['requestId'];
  const now = answer.body['requestId'];
  const row = requestIn(witness.stored(`REQ#${textOf(before)}`, 'REQUEST'));
  if (before !== undefined && before !== now && !(row && isTakenBack(row)))
    witness.broken('S30', `a repeat was given ${textOf(now)} instead of ${textOf(before)}`);
}

/** S29: neither logs nor news carry what callers have sent. */
export function said(witness: Witness, where: string, text: string): void {
  if (isMarked(text)) witness.broken('S29', `${where} quotes a body`);
}

function isMarked(text: string): boolean {
  return marks.some((mark) => text.includes(mark));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}
