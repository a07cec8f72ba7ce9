/** The keys of the one table (architecture, section 5), and the marks of its two sparse indexes. */
import type { DueList } from '../ports/due-work.ts';
import type { IdempotencyKey } from '../ports/idempotency.ts';

export interface Key extends Record<string, string> {
  pk: string;
  sk: string;
}

export const VERDICT_PREFIX = 'VERDICT#';
export const BYTES_PREFIX = 'BYTES#';
export const RESTART_PREFIX = 'RESTART#';
/** Operators' orders, beside the receipts. */
export const ORDER_PREFIX = 'ORDER#';

export const keyOf = {
  workspace: (workspaceId: string): Key => ({ pk: `WS#${workspaceId}`, sk: 'STATE' }),
  probe: (workspaceId: string): Key => ({ pk: `WS#${workspaceId}`, sk: 'PROBE' }),
  parked: (workspaceId: string): Key => ({ pk: `WS#${workspaceId}`, sk: 'PARKED' }),
  receipt: (workspaceId: string, verdictId: string): Key => ({
    pk: `WS#${workspaceId}`,
    sk: `${VERDICT_PREFIX}${verdictId}`,
  }),
  restart: (workspaceId: string, token: string): Key => ({
    pk: `WS#${workspaceId}`,
    sk: `${RESTART_PREFIX}${token}`,
  }),
  order: (workspaceId: string, orderId: string): Key => ({
    pk: `WS#${workspaceId}`,
    sk: `${ORDER_PREFIX}${orderId}`,
  }),
  request: (requestId: string): Key => ({ pk: `REQ#${requestId}`, sk: 'REQUEST' }),
  response: (requestId: string): Key => ({ pk: `REQ#${requestId}`, sk: 'RESPONSE' }),
  deadLetter: (requestId: string): Key => ({ pk: `REQ#${requestId}`, sk: 'DEAD-LETTER' }),
  /** A piece of a dead letter's message. */
  bytes: (requestId: string, index: number): Key => ({
    pk: `REQ#${requestId}`,
    sk: `${BYTES_PREFIX}${String(index).padStart(2, '0')}`,
  }),
  // A principal holds no '#', and neither does a workspaceId: the caller's own key comes last and cannot reach back.
  idempotency: ({ principal, workspaceId, key }: IdempotencyKey): Key => ({
    pk: `IDEM#${principal}#${workspaceId}#${key}`,
    sk: 'ANSWER',
  }),
  instance: (instanceId: string): Key => ({ pk: `INSTANCE#${instanceId}`, sk: 'WORKSPACES' }),
  brake: { pk: 'FLEET', sk: 'BRAKE' } as Key,
  size: { pk: 'FLEET', sk: 'SIZE' } as Key,
  /** How EC2 answered within one minute since the epoch. */
  ec2Answers: (minute: number): Key => ({ pk: 'FLEET', sk: `EC2#${minute}` }),
} as const;

/** Partitions of the index `byList`. */
export const listKey = {
  workspaces: 'WORKSPACES',
  waiting: (workspaceId: string): string => `WAITING#${workspaceId}`,
  ended: (workspaceId: string): string => `ENDED#${workspaceId}`,
  deadLetters: 'DEAD-LETTERS',
} as const;

/** Partitions of the index `byDue`. */
export const dueKey = {
  /** Apart from the claims: it is given up after minutes, and they may wait by the thousand for their turn. */
  evidence: 'DUE#EVIDENCE',
  workspaces: 'DUE#WORKSPACES',
  requests: 'DUE#REQUESTS',
  parked: 'DUE#PARKED',
  restartEnds: 'DUE#RESTART-ENDS',
} as const satisfies Record<DueList, string>;

/** DynamoDB's TTL attribute wants epoch seconds. It only ever collects rubbish; no rule rests on it. */
export function ttlSeconds(instantMs: number): number {
  return Math.ceil(instantMs / 1000);
}
