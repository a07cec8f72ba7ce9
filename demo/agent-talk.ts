/** What the demo and an agent's process say to each other. */
import type { LocalInfo } from '../local/local-info.ts';

/** The environment variable that holds an {@link AgentLife}. */
export const agentLifeVariable = 'DEFIB_DEMO_AGENT';

/** Everything that an agent is told at boot; on AWS it would come from the instance's metadata and user data. */
export interface AgentLife {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly port: number;
  readonly info: LocalInfo;
  readonly logFile: string;
  readonly beatSeconds: number;
}

/** What a story may have an agent do. */
export type Order =
  /** Beat, or be silent and go on working. */
  | { readonly order: 'beat'; readonly on: boolean }
  /** Break this many of the next connections, as a bad network would. */
  | { readonly order: 'break'; readonly connections: number };

/** What an agent tells as it happens. */
export type News =
  | { readonly news: 'booted'; readonly bootId: string }
  | {
      readonly news: 'beat';
      readonly bootId: string;
      readonly seq: number;
      readonly activeTasks: number;
      /** What Defib answered: 204 when the beat counts. */
      readonly status: number;
    };

/** A turn that works at least this long is told to Defib when it begins and when it ends. */
export const longTurnMs = 1000;

/** The body of a request: what to do, and how long that takes. */
export interface Turn {
  readonly say: string;
  readonly workMs: number;
}
