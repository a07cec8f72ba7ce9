/** What became of a story. */
export interface StoryResult {
  readonly name: string;
  readonly ok: boolean;
  readonly why: string;
}
