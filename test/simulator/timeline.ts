/** One life as a timeline for people: what happened around the fact that broke, without what happens all the time. */
import type { Life } from './life.ts';
import { clockText } from './summary-text.ts';
import type { TraceLine } from './trace.ts';

/** Reads, and beats that did what beats do. */
const routine = /^(Get|BatchGet|Query) .* ok$/;
const beat = /^heartbeat#\d+$/;

export interface TimelineOptions {
  /** Every step, the routine too. */
  readonly isWhole: boolean;
}

export function timelineText(life: Life, { isWhole }: TimelineOptions): string {
  const [broken] = life.violations;
  const names = broken ? (broken.what.match(/ws-\d+/g) ?? []) : [];
  const shown = life.lines.filter((line) => isWhole || isTelling(line, names));
  const lines = shown.map(({ atMs, who, what }) => `${clockText(atMs)}  ${who.padEnd(20)} ${what}`);
  return [...lines, '', endText(life)].join('\n');
}

/** Whether a line may have to do with what broke: it is of its workspace, or of none in particular. */
function isTelling({ who, what }: TraceLine, names: readonly string[]): boolean {
  if (routine.test(what) || (beat.test(who) && what.endsWith(' ok'))) return false;
  if (names.length === 0 || who === 'world' || who === 'oracle') return true;
  const others = `${who} ${what}`.match(/ws-\d+/g);
  return others === null || others.some((name) => names.includes(name));
}

function endText({ seed, violations, hash, steps }: Life): string {
  const told = violations.map(
    ({ invariant, what, atMs }) => `${clockText(atMs)}  ${invariant} BROKEN: ${what}`,
  );
  const end = `seed ${seed}: ${steps} steps, trace ${hash}`;
  return told.length === 0 ? `${end}, nothing broken` : [...told, end].join('\n');
}
