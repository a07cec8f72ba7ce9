/**
 * Two versions of the code at once, as in every deploy and every roll-back. The newer one is this code that keeps things
 * in its items which this one has never heard of, and that may send messages, and write items of workspaces, of the next
 * schema; the older one is this code without what has come into items since.
 */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import type { Change, Item } from './aws/dynamodb.ts';
import type { Command } from './sdk.ts';
import type { Weights } from './swarm.ts';

export const codes = ['this', 'newer', 'older'] as const;
export type Code = (typeof codes)[number];

const NEXT = 2;
/** What this code keeps, and one before it did not. What is written together stays together: a boot and its last number. */
const sinceOlder = ['firstGeneration', 'settleFromMs'] as const;
/** What only the newer code keeps. */
export const KEPT_BY_NEWER = 'keptByNewer';

/** What a message says that its version is; undefined for rubbish. */
export function versionOf(body: string): number | undefined {
  try {
    return (JSON.parse(body) as { v?: number } | null)?.v;
  } catch {
    return undefined;
  }
}

/** An item as the code leaves it that has just written it; undefined where that is no other than this one's. */
export function leftBy(code: Code, { key, before, after }: Change, weights: Weights): Item | undefined {
  if (!after || code === 'this') return undefined;
  if (code === 'older') return key.sk === 'STATE' ? withoutNews(before, after) : undefined;
  if (key.sk === 'BRAKE') return { ...marked(after), admitted: eachMarked(after['admitted']) };
  if (key.sk === 'REQUEST' || key.sk === 'PARKED') return marked(after);
  if (key.sk !== 'STATE') return undefined;
  const { claim } = after;
  // A claim that it has not written stays as it was: whoever writes it next may have read it before.
  const isWritten = claim !== undefined && claim !== before?.['claim'];
  return {
    ...marked(after),
    ...(isWritten && { claim: marked(claim as Item) }),
    ...(weights.newerItems > 0 && after['instanceId'] !== undefined && { v: NEXT }),
  };
}

/** A call as that code makes it. */
export function calledBy(code: Code, command: Command, weights: Weights): Command {
  if (code !== 'newer' || weights.newerMessages === 0 || !(command instanceof SendMessageCommand))
    return command;
  // What it can't read it sets aside as it is.
  if (command.input.QueueUrl?.includes('-dead') === true) return command;
  const { input } = command;
  if (versionOf(input.MessageBody ?? '') !== 1) return command;
  const message = JSON.parse(input.MessageBody ?? '') as object;
  return new SendMessageCommand({
    ...input,
    MessageBody: JSON.stringify({ ...message, v: NEXT, [KEPT_BY_NEWER]: true }),
  });
}

/** An event as that code reads it. */
export function readBy(code: Code, event: unknown): unknown {
  const { Records } = (event ?? {}) as Partial<SQSEvent>;
  if (code !== 'newer' || !Array.isArray(Records)) return event;
  return { Records: Records.map((record) => ({ ...record, body: understood(record.body) })) };
}

/** What the database says, as that code reads it: items of the next schema too. */
export function shownTo<T>(code: Code, told: T): T {
  if (code !== 'newer') return told;
  return inEach(told, (item) => {
    const { sk, v } = item as { readonly sk?: unknown; readonly v?: unknown };
    if (sk === 'STATE' && v === NEXT) return { ...item, v: 1 };
    // Within an error, as it is on the wire.
    const isState = (sk as { S?: string } | undefined)?.S === 'STATE';
    return isState && (v as { N?: string } | undefined)?.N === String(NEXT)
      ? { ...item, v: { N: '1' } }
      : item;
  }) as T;
}

function understood(body: string): string {
  if (versionOf(body) !== NEXT) return body;
  const { [KEPT_BY_NEWER]: _kept, ...message } = JSON.parse(body) as Readonly<Record<string, unknown>>;
  return JSON.stringify({ ...message, v: 1 });
}

function marked(item: Item): Item {
  return { ...item, [KEPT_BY_NEWER]: true };
}

function eachMarked(items: unknown): Item {
  return Object.fromEntries(
    Object.entries((items ?? {}) as Item).map(([key, each]) => [key, marked(each as Item)]),
  );
}

/** The older code does not touch what it does not know. */
function withoutNews(before: Item | undefined, after: Item): Item {
  const known = Object.entries(after).filter(([name]) => !sinceOlder.some((news) => news === name));
  const untouched = Object.entries(before ?? {}).filter(([name]) => sinceOlder.some((news) => news === name));
  return Object.fromEntries([...known, ...untouched]);
}

/** All items within an answer. What is no plain object is left as it is. */
function inEach(told: unknown, change: (item: object) => object): unknown {
  if (Array.isArray(told)) return told.map((each) => inEach(each, change));
  if (typeof told !== 'object' || told === null) return told;
  const prototype: unknown = Object.getPrototypeOf(told);
  if (prototype !== Object.prototype && prototype !== null) return told;
  if ('sk' in told) return change(told);
  return Object.fromEntries(Object.entries(told).map(([name, each]) => [name, inEach(each, change)]));
}
