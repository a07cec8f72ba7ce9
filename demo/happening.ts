/** What is said on the timeline. */
/** Who speaks: the story acts, the rest is what was seen of the system. */
export type Kind =
  'demo' | 'story' | 'instance' | 'agent' | 'forward' | 'verdict' | 'delivery' | 'ec2' | 'check';

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
