/** One event of the timeline as one line for a person. */
import type { Paint, Style } from './paint.ts';
import type { Kind, TimelineEvent, Tone } from './happening.ts';

/** Wide enough for the longest name of a workspace and of a kind. */
const nameWidth = 15;
const kindWidth = 8;

const styleOfKind: Readonly<Record<Kind, Style>> = {
  demo: 'dim',
  story: 'magenta',
  instance: 'blue',
  agent: 'blue',
  forward: 'cyan',
  verdict: 'yellow',
  delivery: 'cyan',
  ec2: 'bold',
  check: 'bold',
};

const styleOfTone: Readonly<Record<Tone, Style | undefined>> = {
  good: 'green',
  bad: 'red',
  doubt: 'yellow',
  plain: undefined,
};

export function timelineLine(event: TimelineEvent, paint: Paint): string {
  const at = `${event.atSeconds.toFixed(1)}s`.padStart(7);
  const who = (event.workspaceId ?? '').padEnd(nameWidth);
  const kind = event.kind.padEnd(kindWidth);
  const style = styleOfTone[event.tone ?? 'plain'];
  const text = style === undefined ? event.text : paint(style, event.text);
  return `${paint('dim', at)}  ${paint('bold', who)}  ${paint(styleOfKind[event.kind], kind)}  ${text}`.trimEnd();
}
