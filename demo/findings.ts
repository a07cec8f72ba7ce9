/** What a story has found out, fact by fact. A story is ok when every fact is. */
import type { StoryResult } from './story-result.ts';
import type { Timeline } from './timeline.ts';

interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

export class Findings {
  readonly #story: string;
  readonly #timeline: Timeline;
  readonly #findings: Finding[] = [];

  constructor(story: string, timeline: Timeline) {
    this.#story = story;
    this.#timeline = timeline;
  }

  /** Writes down whether a fact is as it must be: `expected` says how, `got` what was seen instead. */
  expect(expected: string, ok: boolean, got: string | number): void {
    this.#add({ ok, text: ok ? expected : `expected ${expected}, got ${got}` });
  }

  /** The story could not be played to its end. */
  broke(why: string): void {
    this.#add({ ok: false, text: why });
  }

  get result(): StoryResult {
    const failed = this.#findings.filter(({ ok }) => !ok);
    const ok = failed.length === 0 && this.#findings.length > 0;
    const told = failed.length > 0 ? failed : this.#findings;
    return {
      name: this.#story,
      ok,
      why: told.map(({ text }) => text).join('; ') || 'nothing was found out',
    };
  }

  #add(finding: Finding): void {
    this.#findings.push(finding);
    this.#timeline.say({
      workspaceId: this.#story,
      kind: 'check',
      text: `${finding.ok ? 'ok' : 'FAILED'}: ${finding.text}`,
      tone: finding.ok ? 'good' : 'bad',
      data: { ok: finding.ok },
    });
  }
}
