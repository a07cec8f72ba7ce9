/** Queue messages as schemas. What does not parse is poison; what has another version waits, then is poison. */
import * as z from 'zod/mini';
import { errorKinds } from '../../core/forward-error.ts';
import {
  MESSAGE_VERSION,
  type DeliveryMessage,
  type ParkedMessage,
  type ReprobeMessage,
  type RestartMessage,
} from '../../core/messages.ts';
import { instanceId, ulid, workspaceId } from './api.ts';

const count = z.number().check(z.int(), z.minimum(0), z.maximum(Number.MAX_SAFE_INTEGER));
const addressed = {
  v: z.literal(MESSAGE_VERSION),
  workspaceId,
  instanceId,
  generation: count,
  epoch: count,
};

export const reprobeMessage: z.ZodMiniType<ReprobeMessage> = z.strictObject({
  ...addressed,
  kind: z.literal('reprobe'),
  verdictId: ulid,
  errorKind: z.enum(errorKinds),
});

export const restartMessage: z.ZodMiniType<RestartMessage> = z.strictObject({
  ...addressed,
  kind: z.literal('restart'),
  token: ulid,
});

export const parkedMessage: z.ZodMiniType<ParkedMessage> = z.strictObject({
  v: z.literal(MESSAGE_VERSION),
  kind: z.literal('parked'),
  workspaceId,
  requestId: ulid,
  enqueueNo: count,
  idempotencyKey: z.string().check(z.minLength(1), z.maxLength(256)),
  method: z.string().check(z.minLength(1), z.maxLength(16)),
  path: z.string().check(z.startsWith('/')),
  headers: z.record(z.string(), z.string()),
  body: z.base64(),
});

export const deliveryMessage: z.ZodMiniType<DeliveryMessage> = z.strictObject({
  v: z.literal(MESSAGE_VERSION),
  kind: z.literal('delivery'),
  handle: z.strictObject({
    id: z.string().check(z.minLength(1)),
    receiptHandle: z.string().check(z.minLength(1)),
    receives: count,
    sentAtMs: count,
    firstReceivedAtMs: count,
    sequence: z.optional(z.string()),
  }),
  parked: parkedMessage,
});

export type Parsed<T> =
  | { readonly kind: 'message'; readonly message: T }
  | { readonly kind: 'unknown-version' }
  | { readonly kind: 'malformed' };

/** Reads a message's text by its schema; another schema version is told apart from rubbish. */
export function parseMessage<T>(text: string, schema: z.ZodMiniType<T>): Parsed<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'malformed' };
  }
  const result = schema.safeParse(value);
  if (result.success) return { kind: 'message', message: result.data };
  const version = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined;
  const isOtherVersion = Number.isSafeInteger(version) && version !== MESSAGE_VERSION;
  return { kind: isOtherVersion ? 'unknown-version' : 'malformed' };
}
