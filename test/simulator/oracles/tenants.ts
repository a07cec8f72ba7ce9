/**
 * S28: an invocation reads, writes and looks at what belongs to the workspaces that it was called for, and to nobody
 * else's; and who has no part in a request learns nothing of it. What serves the whole fleet is called for all.
 */
import type { SQSEvent } from 'aws-lambda';
import type { Item, Key } from '../aws/dynamodb.ts';
import type { ApiAnswer, ApiRequest } from '../gateway.ts';
import type { Invocation } from '../invocation.ts';
import type { Command } from '../sdk.ts';
import { requestIn, type Witness } from './witness.ts';

/** A caller who is registered for nothing. */
export const STRANGER = 'stranger';

interface Touching {
  readonly Key?: Key;
  readonly Item?: Item;
  readonly RequestItems?: Readonly<Record<string, { readonly Keys?: readonly Key[] }>>;
  readonly TransactItems?: readonly Readonly<Record<string, { readonly Key?: Key; readonly Item?: Item }>>[];
  readonly ExpressionAttributeValues?: Readonly<Record<string, unknown>>;
  readonly MessageBody?: string;
}

export class TenantOracle {
  readonly #witness: Witness;
  /** The workspaces that each invocation was called for; undefined for all. */
  readonly #calledFor = new WeakMap<Invocation, ReadonlySet<string> | 'all'>();
  /** To whom each request belongs, also when its row is gone. */
  readonly #owners = new Map<string, string>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  rowChanged(afterItem: Item | undefined): void {
    const row = requestIn(afterItem);
    if (row) this.#owners.set(row.requestId, row.workspaceId);
  }

  /** A call of the database or of a queue. */
  called({ input }: Command, invocation: Invocation): void {
    const calledFor = this.#calledForBy(invocation);
    if (calledFor === 'all') return;
    const { Key, Item, RequestItems, TransactItems, MessageBody, ExpressionAttributeValues } =
      input as Touching;
    const touchesKey = (key: { readonly pk?: unknown } | undefined): void => {
      if (key) this.#touches(this.#ownerOf(String(key.pk)), String(key.pk), invocation);
    };
    touchesKey(Key ?? Item);
    for (const table in RequestItems) RequestItems[table]?.Keys?.forEach(touchesKey);
    for (const part of TransactItems ?? [])
      for (const kind in part) touchesKey(part[kind]?.Key ?? part[kind]?.Item);
    for (const name in ExpressionAttributeValues)
      this.#touches(listedFor(ExpressionAttributeValues[name]), name, invocation);
    if (MessageBody !== undefined) this.#touches(ownerIn(MessageBody), 'a message', invocation);
  }

  looked(ids: readonly string[], invocation: Invocation): void {
    for (const id of ids) this.#touches(this.#witness.truth.machines.get(id)?.workspaceId, id, invocation);
  }

  /** What a stranger asked for, and got. */
  answered({ role, route }: ApiRequest, { status }: ApiAnswer): void {
    if (role !== STRANGER) return;
    this.#witness.seen(`stranger told ${status}`);
    if (status < 400) this.#witness.broken('S28', `${route} by somebody else is answered ${status}`);
  }

  #touches(owner: string | undefined, what: string, invocation: Invocation): void {
    if (owner === undefined) return;
    const calledFor = this.#calledForBy(invocation);
    if (calledFor !== 'all' && !calledFor.has(owner))
      this.#witness.broken('S28', `${invocation.name} for ${[...calledFor].join(', ')} touches ${what}`);
  }

  #calledForBy(invocation: Invocation): ReadonlySet<string> | 'all' {
    let calledFor = this.#calledFor.get(invocation);
    if (!calledFor) this.#calledFor.set(invocation, (calledFor = this.#subjectsOf(invocation.event)));
    return calledFor;
  }

  #ownerOf(pk: string): string | undefined {
    const [kind, id = '', workspaceId] = pk.split('#');
    if (kind === 'WS') return id;
    if (kind === 'IDEM') return workspaceId;
    return kind === 'REQ' ? this.#owners.get(id) : undefined;
  }

  #subjectsOf(event: unknown): ReadonlySet<string> | 'all' {
    const { Records } = event as Partial<SQSEvent>;
    if (Array.isArray(Records))
      return new Set(Records.map(({ body }) => ownerIn(body)).filter((owner) => owner !== undefined));
    const { workspaceId, requestId } =
      (event as { pathParameters?: Readonly<Record<string, string>> }).pathParameters ?? {};
    if (workspaceId !== undefined) return new Set([workspaceId]);
    if (requestId === undefined) return 'all';
    return new Set([this.#owners.get(requestId) ?? '']);
  }
}

const lists = ['WAITING#', 'ENDED#', 'WS#'] as const;

/** Whose list, or whose items, a value of a condition is about. */
function listedFor(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const list = lists.find((each) => value.startsWith(each));
  return list && value.slice(list.length);
}

function ownerIn(body: string): string | undefined {
  try {
    const message = JSON.parse(body) as { workspaceId?: string; parked?: { workspaceId: string } } | null;
    return message?.workspaceId ?? message?.parked?.workspaceId;
  } catch {
    return undefined;
  }
}
