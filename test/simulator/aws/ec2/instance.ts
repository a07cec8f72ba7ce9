/** One instance: its state over time, as EC2 has it. */

export const states = ['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated'] as const;
export type State = (typeof states)[number];

/** The number that goes with the name, in InstanceState.Code. */
export const stateCodes: Readonly<Record<State, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

/** What DescribeInstances may show of it at one time. */
export interface Shown {
  readonly state: State;
  readonly launchTimeMs: number;
  readonly transitionReason: string;
  readonly stateReason: { readonly code: string; readonly message: string } | undefined;
  readonly publicIp: string | undefined;
}

export interface InstanceSpec {
  readonly id: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly privateIp?: string;
  readonly imageId?: string;
  readonly zone?: string;
  readonly instanceType?: string;
  readonly subnetId?: string;
  readonly keyName?: string;
}

export interface Instance {
  readonly spec: InstanceSpec;
  tags: Record<string, string>;
  now: Shown;
  /** Oldest first; each is what it was until that time. */
  past: { readonly untilMs: number; readonly shown: Shown | undefined }[];
  /** The change that comes by itself; none at a state that lasts, or where it is stuck. */
  coming: { readonly atMs: number; readonly shown: Shown | 'gone' } | undefined;
}

/** What it was at that time; undefined before it was launched. */
export function shownAt(instance: Instance, atMs: number): Shown | undefined {
  const older = instance.past.find(({ untilMs }) => untilMs > atMs);
  return older ? older.shown : instance.now;
}

/** `User initiated (2026-11-24 12:00:00 GMT)` */
export function transitionReason(who: string, atMs: number): string {
  const text = new Date(atMs).toISOString();
  return `${who} (${text.slice(0, 10)} ${text.slice(11, 19)} GMT)`;
}
