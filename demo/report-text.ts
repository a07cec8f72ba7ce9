/** Defib's words, for people. */
import type { ForwardError } from '../core/forward-error.ts';
import type { ReportAnswer } from './defib.ts';
import type { Tone } from './happening.ts';

/** `refused -> 202 parked: busy, heartbeat-fresh`. */
export function reportText(error: ForwardError, answer: ReportAnswer): string {
  const failed = error.status === undefined ? error.kind : `${error.kind} ${error.status}`;
  const { status, code, verdict, reason, restarting } = answer;
  const because = [verdict, reason].filter((word) => word !== undefined && word !== code);
  const more = restarting === true ? ', restarting' : '';
  return `${failed} -> ${status} ${code}${because.length > 0 ? `: ${because.join(', ')}` : ''}${more}`;
}

export function toneOf(answer: ReportAnswer): Tone {
  if (answer.status === 202) return 'doubt';
  return answer.verdict === 'dead' ? 'bad' : 'plain';
}
