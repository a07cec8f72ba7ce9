/** The one live timeline: everybody says here what has just happened, and one writer shows it. */
import type { TimelineWriter } from './timeline-writer.ts';

export const kinds = [
  'demo',
  'story',
  'instance',
  'agent',
  'forward',
  'verdict',
  'delivery',
  'ec2',
  'check',
] as const;
/** Who speaks: the story acts, the rest is what was seen of the system. */
export type Kind = (typeof kinds)[number];

/** How the writer may colour it; it changes no word. */
export type Tone = 'good' | 'bad' | 'doubt' | 'plain';

export interface Happening {
  /** The workspace that it is about; none for the fleet as a whole. */
  readonly workspaceId?: string;
  readonly kind: Kind;
  readonly text: string;
  readonly tone?: Tone;
  /** The facts behind the text, for machines. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface TimelineEvent extends Happening {
  /** Seconds since the timeline began. */
  readonly atSeconds: number;
}

export class Timeline {
  readonly #startedMs: number;
  readonly #writer: TimelineWriter;

  constructor(writer: TimelineWriter) {
    this.#startedMs = performance.now();
    this.#writer = writer;
  }

  say(happening: Happening): void {
    const atSeconds = Math.round((performance.now() - this.#startedMs) / 100) / 10;
    this.#writer.event({ ...happening, atSeconds });
  }
}
