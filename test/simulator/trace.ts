/**
 * What happened, step by step, as a hash (FNV-1a, twice, so that it has 64 bits): two runs of a seed are the same run
 * when their hashes are the same. The lines themselves are kept only for a replay.
 */
export interface Trace {
  /** One step. Everything in it must be the same in each run of a seed. */
  step(atMs: number, who: string, what: string): void;
  /** One call of AWS, by numbers and the end of its subject: what costs most of all steps is not put into words. */
  call(atMs: number, invocation: number, tries: number, subject: string, outcome: string): void;
  /** Something for the reader of a timeline only. */
  note(atMs: number, who: string, what: string): void;
  readonly steps: number;
  hash(): string;
  readonly lines: readonly TraceLine[];
  readonly keepsLines: boolean;
}

export interface TraceLine {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

const PRIME = 0x01000193;
/** Keys differ at their end. */
const TOLD_CHARACTERS = 6;

export function traceOf({ keepsLines }: { readonly keepsLines: boolean }): Trace {
  const lines: TraceLine[] = [];
  let low = 0x811c9dc5 | 0;
  let high = 0x01000193 | 0;
  let steps = 0;
  const add = (text: string): void => {
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      low = Math.imul(low ^ code, PRIME);
      high = Math.imul(high ^ (code + steps), 0x85ebca6b);
    }
  };
  return {
    step(atMs, who, what) {
      steps += 1;
      low = Math.imul(low ^ (atMs | 0), PRIME);
      high = Math.imul(high ^ (atMs | 0), 0xc2b2ae35);
      add(who);
      add(what);
      if (keepsLines) lines.push({ atMs, who, what });
    },
    call(atMs, invocation, tries, subject, outcome) {
      steps += 1;
      low = Math.imul(low ^ (atMs | 0), PRIME);
      high = Math.imul(high ^ (atMs | 0), 0xc2b2ae35);
      low = Math.imul(low ^ invocation, PRIME);
      high = Math.imul(high ^ (subject.length + 256 * tries), 0x85ebca6b);
      for (let at = Math.max(0, subject.length - TOLD_CHARACTERS); at < subject.length; at += 1)
        low = Math.imul(low ^ subject.charCodeAt(at), PRIME);
      if (outcome !== 'ok') add(outcome);
    },
    note(atMs, who, what) {
      if (keepsLines) lines.push({ atMs, who, what });
    },
    get steps() {
      return steps;
    },
    hash: () => [high, low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join(''),
    lines,
    keepsLines,
  };
}
