/** Where the timeline goes: lines for a person, or with --json one object a line for a program. */
import { timelineLine } from './timeline-line.ts';
import type { TimelineEvent } from './happening.ts';
import { paintFor } from './paint.ts';
import { summaryText } from './summary-text.ts';
import type { Tally } from './tally.ts';

export interface TimelineWriter {
  event(event: TimelineEvent): void;
  /** What it all came to: the last thing that is written. */
  summary(tally: Tally): void;
}

export function writerFor(output: NodeJS.WriteStream, json: boolean): TimelineWriter {
  const write = (line: string): void => void output.write(`${line}\n`);
  if (json) {
    return {
      event: (event) => write(JSON.stringify(event)),
      summary: (tally) => write(JSON.stringify(tally.summary)),
    };
  }
  const paint = paintFor(output);
  return {
    event: (event) => write(timelineLine(event, paint)),
    summary: (tally) => write(`\n${summaryText(tally, paint)}`),
  };
}
