/** How a run ended: what its table, its agent and its news say, without the ids and times that differ from run to run. */
import type { ParkedRequest } from '../../../core/parking.ts';
import type { Item } from './own-table.ts';
import type { World } from './world.ts';

export interface End {
  /** Each request that came to something, in the order of acceptance: `delivered`, `dead-lettered/poison`. */
  readonly told: string;
  readonly requests: readonly object[];
  /** What is left to do: all of it must be nothing. */
  readonly left: {
    readonly count: unknown;
    readonly bytes: unknown;
    readonly due: number;
    readonly waiting: number;
  };
  readonly effects: readonly string[];
}

export async function endOf(world: World): Promise<End> {
  const items = await world.own.items();
  const rows = requestsOf(items).filter((row) => !wasNeverAccepted(row));
  const parked = items.find((item) => item['sk'] === 'PARKED');
  return {
    told:
      rows.map(({ state, why }) => (why === undefined ? state : `${state}/${why}`)).join(', ') || 'nothing',
    requests: rows.map((row) => ({
      state: row.state,
      why: row.why,
      expiresAfterMs: row.expiresAtMs - row.acceptedAtMs > 0,
      isRedrive: row.redriveOf !== undefined,
      wasRedriven: rows.some(({ requestId }) => requestId === row.redrivenAs),
      hasResponse: has(items, row, 'RESPONSE'),
      isDeadLetter: has(items, row, 'DEAD-LETTER'),
      hasBytes: row.state === 'dead-lettered' && has(items, row, 'BYTES'),
      holdsItsKey: items.some(
        (item) =>
          item['sk'] === 'ANSWER' && (item['value'] as { requestId?: string }).requestId === row.requestId,
      ),
    })),
    left: {
      count: parked?.['count'] ?? 0,
      bytes: parked?.['bytes'] ?? 0,
      due: items.filter((item) => 'dueKey' in item).length,
      waiting: items.filter((item) => String(item['listKey']).startsWith('WAITING#')).length,
    },
    effects: [...world.agent.effects].toSorted(),
  };
}

function requestsOf(items: readonly Item[]): ParkedRequest[] {
  // Written by the ledger itself a moment ago; what it could not read would fail the comparison.
  const rows = items.filter((item) => item['sk'] === 'REQUEST') as unknown as ParkedRequest[];
  return rows.toSorted((one, other) => (one.requestId < other.requestId ? -1 : 1));
}

/** Ended before anybody was promised anything. */
function wasNeverAccepted({ state, why }: ParkedRequest): boolean {
  return state === 'refused' && why === 'never-accepted';
}

function has(items: readonly Item[], { requestId }: ParkedRequest, sk: string): boolean {
  return items.some((item) => item['pk'] === `REQ#${requestId}` && String(item['sk']).split('#')[0] === sk);
}

/** What must hold of every run, whatever its end: as a list of what does not. */
export async function wrongsOf(world: World): Promise<string[]> {
  const items = await world.own.items();
  const { copies } = world.agent;
  const wrongs: string[] = world.surprises.map((error) => `a surprise: ${String(error)}`);
  for (const row of requestsOf(items)) {
    const { requestId, state } = row;
    const news = new Set(
      world.published
        .filter((event) => event.requestId === requestId && event.type !== 'request.parked')
        .map(({ type }) => type),
    );
    if (news.size !== 1 || !news.has(`request.${state}` as never))
      wrongs.push(`${requestId} is ${state}, but the news were: ${[...news].join(', ')}`);
    if (!wasNeverAccepted(row)) continue;
    if (world.promised.has(requestId)) wrongs.push(`${requestId} was promised, but never accepted`);
    if (copies.some((copy) => copy.requestId === requestId))
      wrongs.push(`${requestId} was sent, but never accepted`);
    if (items.some((item) => item['sk'] === 'ANSWER' && JSON.stringify(item).includes(requestId)))
      wrongs.push(`${requestId} was never accepted, but holds its key`);
  }
  for (const requestId of world.promised)
    if (!items.some((item) => item['pk'] === `REQ#${requestId}`))
      wrongs.push(`${requestId} was promised and is gone`);
  if (new Set(copies.map(({ key, bytes }) => `${key} ${bytes}`)).size > 1)
    wrongs.push('the copies differ in key or bytes');
  if (copies.slice(1).some(({ saidAmbiguous }) => !saidAmbiguous))
    wrongs.push('a later copy was not marked as such');
  return wrongs;
}
