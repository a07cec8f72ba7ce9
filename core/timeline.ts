/** A workspace's story: verdicts, orders, restarts and requests in one row, newest first. */
import type { ParkedRequest } from './parking.ts';
import { isFinal, type Receipt } from './receipt.ts';
import { isoTime } from './time.ts';

/** How a restart ended, kept for the story. */
export interface RestartRecord {
  /** The claim's token: the verdictId, or the order's own id. */
  readonly token: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly endedAtMs: number;
  readonly outcome: string;
  readonly because: string;
  readonly label: string;
}

/** What an operator has ordered. */
export interface OrderRecord {
  readonly orderId: string;
  readonly what: string;
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

export interface TimelineEntry {
  /** A ULID: entries of all kinds are in the order of these. */
  readonly id: string;
  readonly kind: 'verdict' | 'order' | 'restart' | 'request';
  readonly at: string;
  readonly [name: string]: unknown;
}

export function verdictEntry(receipt: Receipt): TimelineEntry {
  return {
    id: receipt.verdictId,
    kind: 'verdict',
    at: isoTime(receipt.openedAtMs),
    verdict: isFinal(receipt) ? receipt.verdict : 'pending',
    reason: receipt.reason,
    rule: receipt.rule,
    askedBy: receipt.askedBy,
  };
}

export function orderEntry({ orderId, what, by, reason, atMs }: OrderRecord): TimelineEntry {
  return { id: orderId, kind: 'order', at: isoTime(atMs), what, by, reason };
}

export function restartEntry(record: RestartRecord): TimelineEntry {
  return {
    id: record.token,
    kind: 'restart',
    at: isoTime(record.sinceMs),
    reason: record.reason,
    endedAt: isoTime(record.endedAtMs),
    outcome: record.outcome,
    because: record.because,
    label: record.label,
  };
}

export function requestEntry(request: ParkedRequest): TimelineEntry {
  return {
    id: request.requestId,
    kind: 'request',
    at: isoTime(request.acceptedAtMs),
    state: request.state,
    attempts: request.attempts,
    ...(request.why !== undefined && { why: request.why }),
    ...(request.finishedAtMs !== undefined && { endedAt: isoTime(request.finishedAtMs) }),
  };
}

/**
 * One page of the story below a mark, from its parts: of each the newest entries up to the mark's id, at least
 * `limit` + 2 where there are so many.
 */
export function mergedTimeline(
  parts: readonly (readonly TimelineEntry[])[],
  limit: number,
  before = '~',
): { readonly entries: readonly TimelineEntry[]; readonly before?: string } {
  const all = parts
    .flat()
    .filter((entry) => markOf(entry) < before)
    .toSorted((one, other) => compare(other, one));
  const entries = all.slice(0, limit);
  const last = entries.at(-1);
  return all.length > limit && last ? { entries, before: markOf(last) } : { entries };
}

/** Entries of one id, oldest first: a restart follows the verdict or the order whose id it bears. */
const rankOf = { request: 0, verdict: 1, order: 1, restart: 2 } as const;

/** The place of an entry in the story. */
export function markOf({ id, kind }: Pick<TimelineEntry, 'id' | 'kind'>): string {
  return `${id}.${rankOf[kind]}`;
}

function compare(one: TimelineEntry, other: TimelineEntry): number {
  // Stryker disable next-line EqualityOperator: no two entries of a story have one mark
  return markOf(one) < markOf(other) ? -1 : 1;
}
