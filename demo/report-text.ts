/** Defib's words, for people. */
import type { ForwardError } from '../core/forward-error.ts';
import type { ReportAnswer } from './defib.ts';
import type { Tone } from './timeline.ts';

/** `refused -> 202 parked: busy, heartbeat-fresh`. */
export function reportText(error: ForwardError, answer: ReportAnswer): string {
  const failed = error.status === undefined ? error.kind : `${error.kind} ${error.status}`;
  const { status, code, verdict, reason, restarting } = answer;
  const because = [verdict, reason === verdict ? undefined : reason].filter((word) => word !== undefined);
  const more = restarting === true ? ', restarting' : '';
  return `${failed} -> ${status} ${code}${because.length > 0 ? `: ${because.join(', ')}` : ''}${more}`;
}

export function toneOf(answer: ReportAnswer): Tone {
  if (answer.status === 202) return 'doubt';
  return answer.verdict === 'dead' ? 'bad' : 'plain';
}

/** `13`, or `12-15, 18` for a list of numbers in rising order. */
export function ranges(numbers: readonly number[]): string {
  const spans: [first: number, last: number][] = [];
  for (const number of numbers) {
    const span = spans.at(-1);
    if (span && number === span[1] + 1) span[1] = number;
    else spans.push([number, number]);
  }
  return spans.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
}
