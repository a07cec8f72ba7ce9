/**
 * What is due, row by row, as far as the time goes. The next row is always of the list that had the least time so far: a
 * lost second look does not wait behind thousands of claims, nor a claim behind events that the bus takes slowly.
 */
import type { Clock } from '../ports/clock.ts';
import { dueLists, type DueList, type DueMark, type DueRow, type DueWork } from '../ports/due-work.ts';
import type { Log } from '../ports/log.ts';
import { guarded } from './guarded.ts';

export interface TurnsPorts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly due: Pick<DueWork, 'due' | 'putOff'>;
  readonly log: Log;
}

export interface Swept {
  /** How many rows of each list were seen to. */
  readonly rows: Readonly<Record<DueList, number>>;
  /** Some are left, for want of time. */
  readonly behind: boolean;
}

const PAGE_ROWS = 100;
/**
 * What fails goes behind all that is due now, or enough of it would keep everything else from being swept. The next sweep
 * tries it again: the fault may be over, and what this version cannot read a newer one may (S32).
 */
const PUT_OFF_MS = 30_000;

export async function inTurns(
  ports: TurnsPorts,
  { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
  sweeps: Readonly<Record<DueList, (row: DueRow) => Promise<void>>>,
): Promise<Swept> {
  const rows = { evidence: 0, workspaces: 0, parked: 0, requests: 0, restartEnds: 0 };
  let shares = dueLists.map((list) => ({ list, rows: rowsOf(ports.due, list, nowMs), spentMs: 0 }));
  for (;;) {
    const [share] = shares.toSorted((one, other) => one.spentMs - other.spentMs);
    if (!share) return { rows, behind: false };
    const beganMs = ports.clock.nowMs();
    const next = await share.rows.next();
    if (next.done === true) {
      shares = shares.filter((other) => other !== share);
      continue;
    }
    if (beganMs >= untilMs) return { rows, behind: true };
    const { list } = share;
    const row = next.value;
    const isSwept = await guarded(ports.log, row.token ?? row.id, () => sweeps[list](row));
    if (!isSwept) await putOff(ports, list, row, nowMs);
    rows[list] += 1;
    share.spentMs += ports.clock.nowMs() - beganMs;
  }
}

/** The rows of a list, page by page. */
async function* rowsOf(
  due: TurnsPorts['due'],
  list: DueList,
  nowMs: number,
): AsyncGenerator<DueRow, undefined> {
  let from: DueMark | undefined;
  do {
    const page = await due.due(list, nowMs, { limit: PAGE_ROWS, ...(from && { from }) });
    yield* page.value;
    from = page.next;
  } while (from);
  return undefined;
}

async function putOff({ due, log }: TurnsPorts, list: DueList, row: DueRow, nowMs: number): Promise<void> {
  try {
    await due.putOff(list, row, { nowMs, dueAtMs: nowMs + PUT_OFF_MS });
  } catch (error) {
    log.error('row not put off', { id: row.id }, error);
  }
}
