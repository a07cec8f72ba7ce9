/** What is known of the fleet as a whole: its brake, and how EC2 answers. */
import type { Fleet } from '../../core/brake.ts';
import type { Ec2Answers } from '../../core/ec2-answers.ts';
import type { TimeRange } from '../../core/time.ts';

export interface BrakeStore {
  /** Throws an UnreadableBrakeError when the item cannot be understood: such a brake counts as open. */
  read(): Promise<Fleet>;
  /** Writes the fleet if its revision is still the one of `before`. */
  replace(before: Fleet, after: Fleet): Promise<'replaced' | 'lost'>;
  workspaceCount(): Promise<number>;
}

/** How EC2 answers, over all functions that ask it. */
export interface Ec2Health {
  /**
   * The calls of the last minutes. Where it is not certain what minute it is, those in which most failed: a clock that is
   * ahead sees minutes in which nobody has asked yet.
   */
  recent(now: TimeRange): Promise<Ec2Answers>;
  /** Adds calls that were made. Best effort: a number that is lost makes nobody act. */
  note(answers: Ec2Answers, nowMs: number): Promise<void>;
}
