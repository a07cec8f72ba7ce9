/**
 * The rows of the judge's truth table in words, and how the words become facts at each look. One row is one story:
 * a caller's forward failed, somebody looked, and two seconds later somebody looked again.
 */
import type { Asker, Facts, Probe } from '../../core/facts.ts';
import { judgedPart } from '../../core/facts.ts';
import type { Heartbeat, Workspace } from '../../core/workspace.ts';
import {
  aClaim,
  aHeartbeat,
  aWorkspace,
  at,
  LAUNCHED_MS,
  NOW_MS,
  notMade,
  policy,
  seen,
} from './builders.ts';

/** The first look, the second, and one more for chains that had to begin anew. */
const LOOK_MS = [NOW_MS, NOW_MS + policy.reprobeDelayMs, NOW_MS + 2 * policy.reprobeDelayMs] as const;
export type LookNo = 0 | 1 | 2;
const [FIRST_MS, SECOND_MS] = LOOK_MS;

const probeWords = [
  'running',
  'stopped',
  'terminated',
  'pending',
  'stopping',
  'shutting-down',
  'throttled',
  'error',
  'absent',
] as const;
export type ProbeWord = (typeof probeWords)[number];

export const words = {
  first: probeWords,
  second: [...probeWords, 'not made'],
  heartbeat: [
    'none ever',
    'fresh',
    'fresh until the first look',
    'fresh until the second look',
    'stale',
    'promised, and silent for long',
    'promised, and silent long enough from the second look on',
    'promised, and silent under a busy lease',
    'promised, and silent since before this launch',
    'promised, and silent until it came between the looks',
    'came between the looks',
    'came between the looks and is stale already',
  ],
  error: ['refused', 'reset', 'eof', 'deadline', 'not told'],
  settle: [
    'past',
    'inside',
    'ends at the first look',
    'newer launch seen by the probe',
    'opened between the looks',
    'launched between the looks',
  ],
  claim: ['none', 'of another', 'of another since', 'our own since', 'of another, ended since'],
  pause: ['none', 'active', 'since the first look'],
  asker: ['reprobe', 'caller'],
} as const;

export type Row = { readonly [Column in keyof typeof words]: (typeof words)[Column][number] };

/** So many rows, or all, far from one another: whoever looks for one story of a kind soon meets it. */
export function* scatteredRows(count: number): Generator<Row> {
  const stride = 500_009; // A prime, and longer than any column: so no row comes twice before all have come.
  for (let step = 0; step < count; step++) yield rowOf((step * stride) % rowCount());
}

/** The row of a number from 0 to {@link rowCount}: the words are its digits. */
function rowOf(number: number): Row {
  let rest = number;
  const digit = <Word>(column: readonly Word[]): Word => {
    const word = column[rest % column.length] as Word;
    rest = Math.floor(rest / column.length);
    return word;
  };
  return {
    first: digit(words.first),
    second: digit(words.second),
    heartbeat: digit(words.heartbeat),
    error: digit(words.error),
    settle: digit(words.settle),
    claim: digit(words.claim),
    pause: digit(words.pause),
    asker: digit(words.asker),
  };
}

export function rowCount(): number {
  return Object.values(words).reduce((product, column) => product * column.length, 1);
}

export function inWords(row: Row): string {
  return Object.entries(row)
    .map(([column, word]) => `${column}: ${word}`)
    .join(' | ');
}

/** The workspace as it is at a look; evidence is the driver's. */
export function workspaceAt(row: Row, look: LookNo): Workspace {
  const { heartbeat: _heartbeat, ...workspace } = aWorkspace();
  const later = look > 0;
  return {
    ...workspace,
    ...heartbeatAt(row, later),
    ...settleAt(row, later),
    ...claimAt(row, later),
    ...(row.pause === 'active' || (row.pause === 'since the first look' && later)
      ? { pause: { by: 'role/operator', reason: 'maintenance' } }
      : {}),
  };
}

/** What somebody sees who looks. */
export function probeAt(row: Row, look: LookNo): Probe {
  const word = look === 0 ? row.first : row.second;
  if (word === 'not made') return notMade;
  if (word === 'throttled' || word === 'error' || word === 'absent') return { kind: 'unknown', cause: word };
  return seen(word, { launchTimeMs: launchTimeAt(row, look > 0) });
}

/** The facts of one look. */
export function factsAt(
  row: Row,
  look: LookNo,
  { workspace, probe }: { workspace: Workspace; probe: Probe },
): Facts {
  const asker: Asker = look === 0 ? 'caller' : row.asker;
  return {
    now: at(LOOK_MS[look]),
    clock: 'agrees',
    asker,
    ...(row.error !== 'not told' && { errorKind: row.error }),
    workspace: judgedPart(workspace),
    probe,
  };
}

function heartbeatAt(row: Row, later: boolean): { heartbeat?: Heartbeat; freshUntilMs: number } {
  const heartbeat = aHeartbeat();
  const promised = aHeartbeat({ declaresInterval: true });
  const next: Heartbeat = { ...heartbeat, seq: heartbeat.seq + 1, atMs: SECOND_MS - 500 };
  const staleMs = NOW_MS - 285_000;
  switch (row.heartbeat) {
    case 'none ever':
      return { freshUntilMs: 0 };
    case 'fresh':
      return { heartbeat, freshUntilMs: NOW_MS + 60_000 };
    case 'fresh until the first look':
      return { heartbeat, freshUntilMs: FIRST_MS };
    case 'fresh until the second look':
      return { heartbeat, freshUntilMs: SECOND_MS };
    case 'stale':
      return { heartbeat, freshUntilMs: staleMs };
    case 'promised, and silent for long':
      return { heartbeat: promised, freshUntilMs: staleMs };
    case 'promised, and silent long enough from the second look on': {
      const atMs = FIRST_MS - policy.silentAfterMs;
      return { heartbeat: { ...promised, atMs }, freshUntilMs: atMs + policy.freshWindowMs };
    }
    case 'promised, and silent under a busy lease':
      return { heartbeat: promised, freshUntilMs: NOW_MS + 60_000 };
    case 'promised, and silent since before this launch': {
      const atMs = LAUNCHED_MS - 1;
      return {
        heartbeat: { ...promised, atMs },
        freshUntilMs: atMs + policy.freshWindowMs,
      };
    }
    case 'promised, and silent until it came between the looks':
      return later
        ? { heartbeat: { ...next, declaresInterval: true }, freshUntilMs: next.atMs + policy.freshWindowMs }
        : { heartbeat: promised, freshUntilMs: staleMs };
    case 'came between the looks':
      return later
        ? { heartbeat: next, freshUntilMs: next.atMs + policy.freshWindowMs }
        : { heartbeat, freshUntilMs: staleMs };
    case 'came between the looks and is stale already':
      return { heartbeat: later ? next : heartbeat, freshUntilMs: staleMs };
  }
}

function settleAt(row: Row, later: boolean): Pick<Workspace, 'settleUntilMs'> {
  switch (row.settle) {
    case 'inside':
      return { settleUntilMs: NOW_MS + 30_000 };
    case 'ends at the first look':
      return { settleUntilMs: FIRST_MS };
    case 'opened between the looks':
      return { settleUntilMs: later ? SECOND_MS - 500 + policy.settleWindowMs : NOW_MS - 3_600_000 };
    case 'past':
    case 'newer launch seen by the probe':
    case 'launched between the looks':
      return { settleUntilMs: NOW_MS - 3_600_000 };
  }
}

function launchTimeAt(row: Row, later: boolean): number {
  if (row.settle === 'newer launch seen by the probe') return NOW_MS - 10_000;
  return row.settle === 'launched between the looks' && later ? SECOND_MS - 500 : LAUNCHED_MS;
}

function claimAt(row: Row, later: boolean): Partial<Pick<Workspace, 'claim' | 'generation'>> {
  const generation = aWorkspace().generation + 1;
  switch (row.claim) {
    case 'none':
      return {};
    case 'of another':
      return { claim: aClaim({ token: 'verdict-of-another' }) };
    case 'of another since':
      return later ? { claim: aClaim({ token: 'verdict-of-another' }), generation } : {};
    case 'our own since':
      return later ? { claim: aClaim({ token: 'verdict-1' }), generation } : {};
    case 'of another, ended since':
      return later ? { generation } : {};
  }
}
