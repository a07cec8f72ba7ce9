/** A bug that a colleague could make: one small change of one file, which the simulator has to find. */
import type { BugWorld } from './worlds.ts';

export interface Edit {
  /** From the root of the project. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export interface Bug extends Edit {
  readonly name: string;
  /** The worlds in which it is looked for. */
  readonly profile: BugWorld;
  /** The invariants by which it must be found: whatever else breaks on the way does not count. */
  readonly breaks: readonly string[];
  /** What the change takes away, in words. */
  readonly says: string;
  /**
   * Guards that would make the bug good, taken away with it: where one thing is guarded twice, each of the two must be
   * seen to be enough, and only without both does anything break.
   */
  readonly beside?: readonly Edit[];
}

export const editsOf = (bug: Bug): readonly Edit[] => [bug, ...(bug.beside ?? [])];

/** The source with the edit made. Throws where its text is not there exactly once: the code has moved on. */
export function edited(source: string, { file, find, replace }: Edit): string {
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} has ${more.length + (after === undefined ? 0 : 1)} places like: ${find}`);
  return `${before}${replace}${after}`;
}
