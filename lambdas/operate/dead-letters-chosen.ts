/** Which dead letters a redrive is about: those that are named, or the newest that can be sent again. */
import { isOfEarlierRegistration, type ParkedRequest } from '../../core/parking.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { StoredWorkspace, WorkspaceStore } from '../ports/workspaces.ts';
import { InvalidInputError } from '../runtime/api-call.ts';

export interface ChoosingPorts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly ledger: Pick<Ledger, 'read'>;
  readonly workspaces: Pick<WorkspaceStore, 'read'>;
  readonly deadLetters: Pick<DeadLetters, 'list'>;
  readonly operatorRoles: readonly string[];
  /** Names of the roles that may report, and so may have requests delivered. */
  readonly reporterRoles: readonly string[];
}

export interface Skipped {
  readonly requestId: string;
  readonly why: string;
}

export interface Chosen {
  readonly letters: readonly ParkedRequest[];
  readonly skipped: readonly Skipped[];
  readonly more: boolean;
}

const LIST_PAGE = 100;
/** Of those that can't be sent again, only so many are told: they may be many, and an operator can't help them. */
const MOST_TOLD = 100;

export async function namedLetters(ports: ChoosingPorts, requestIds: readonly string[]): Promise<Chosen> {
  if (new Set(requestIds).size < requestIds.length)
    throw new InvalidInputError([{ field: 'requestIds', problem: 'names a request twice' }]);
  const rows = await Promise.all(requestIds.map((id) => ports.ledger.read(id)));
  const letters = rows.filter((row) => row?.state === 'dead-lettered').filter((row) => row !== undefined);
  const found = new Set(letters.map((row) => row.requestId));
  const unknown = requestIds.filter((id) => !found.has(id));
  return {
    letters,
    skipped: unknown.map((requestId) => ({ requestId, why: 'unknown-request' })),
    more: false,
  };
}

/** What can't be sent again is passed over, so that it never hides what can. */
export async function latestLetters(
  ports: ChoosingPorts,
  asked: { readonly workspaceId: string | undefined; readonly limit: number; readonly untilMs: number },
  nowMs: number,
): Promise<Chosen> {
  const { workspaceId, limit, untilMs } = asked;
  const workspaceOf = readOnce(ports);
  const letters: ParkedRequest[] = [];
  const skipped: Skipped[] = [];
  let cursor: string | undefined;
  do {
    const page = await ports.deadLetters.list(LIST_PAGE, cursor);
    for (const row of page.requests) {
      if (workspaceId !== undefined && row.workspaceId !== workspaceId) continue;
      const made = await madeOf(ports, row);
      if (made && isThrough(made)) continue;
      const why = whyNotSent(ports, row, await workspaceOf(row.workspaceId), nowMs);
      if (why === undefined) letters.push(row);
      else skipped.push({ requestId: row.requestId, why });
    }
    cursor = page.cursor;
  } while (cursor !== undefined && letters.length <= limit && ports.clock.nowMs() < untilMs);
  return {
    letters: letters.slice(0, limit),
    skipped: skipped.slice(0, MOST_TOLD),
    more: letters.length > limit || cursor !== undefined,
  };
}

function readOnce({ workspaces }: ChoosingPorts): (workspaceId: string) => Promise<StoredWorkspace> {
  const read = new Map<string, Promise<StoredWorkspace>>();
  return (workspaceId) => {
    const reading = read.get(workspaceId) ?? workspaces.read(workspaceId).then(({ value }) => value);
    read.set(workspaceId, reading);
    return reading;
  };
}

/** What was made of a dead letter before. */
export async function madeOf(
  ports: Pick<ChoosingPorts, 'ledger'>,
  { redrivenAs }: ParkedRequest,
): Promise<ParkedRequest | undefined> {
  return redrivenAs === undefined ? undefined : ports.ledger.read(redrivenAs);
}

/**
 * Whether a dead letter needs no more redriving. What was never accepted came to nothing: it may be made again. What
 * waits to be accepted was left by a call that stopped half way, and is finished by the next (V11).
 */
export function isThrough({ why, state }: ParkedRequest): boolean {
  return why !== 'never-accepted' && state !== 'accepting';
}

/** Expiry and authorisation are judged as of now, not as of then (S38). */
export function whyNotSent(
  ports: Pick<ChoosingPorts, 'operatorRoles' | 'reporterRoles'>,
  letter: ParkedRequest,
  workspace: StoredWorkspace,
  nowMs: number,
): string | undefined {
  if (letter.why === 'body-lost') return 'body-lost';
  if (nowMs >= letter.expiresAtMs) return 'expired';
  if (workspace === 'malformed') return 'workspace-unreadable';
  if (workspace === 'absent' || isOfEarlierRegistration(letter, workspace)) return 'workspace-removed';
  const roles = [...ports.reporterRoles, ...ports.operatorRoles];
  return roles.some((name) => letter.caller === `role/${name}`) ? undefined : 'forbidden';
}
