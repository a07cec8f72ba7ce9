/** The one live timeline: everybody says here what has just happened, and one writer shows it. */
import type { Happening } from './happening.ts';
import type { TimelineWriter } from './timeline-writer.ts';

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
