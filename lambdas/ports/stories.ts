/** The parts of a workspace's story. */
import type { ParkedRequest } from '../../core/parking.ts';
import type { Receipt } from '../../core/receipt.ts';
import type { OrderRecord, RestartRecord } from '../../core/timeline.ts';

/** The parts of a workspace's story, newest first, from an id on backwards: fewer than the limit only at its beginning. */
export interface Stories {
  verdicts(workspaceId: string, upToId: string, limit: number): Promise<Receipt[]>;
  requests(workspaceId: string, upToId: string, limit: number): Promise<ParkedRequest[]>;
  restarts(workspaceId: string, upToId: string, limit: number): Promise<RestartRecord[]>;
  orders(workspaceId: string, upToId: string, limit: number): Promise<OrderRecord[]>;
}

/** How a restart ended, and what whoever tells of it needs: it is written with the end itself, and told after it. */
export interface RestartEnd {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly record: RestartRecord;
  /** Nothing restarts the workspace any more. */
  readonly quarantined: boolean;
  /** All that a replacement needs, when the instance is gone. */
  readonly replacement?: Readonly<Record<string, string | number>>;
  /** The metrics have it already. */
  readonly counted?: boolean;
}

/** Ends of restarts of which nobody was told yet. They stay due until {@link RestartEnds.told}. */
export interface RestartEnds {
  untold(workspaceId: string, token: string): Promise<RestartEnd | undefined>;
  /** Notes that the end was counted and announced. */
  told(end: RestartEnd): Promise<void>;
  /** Notes that the end was counted but not announced, and when to try that again. */
  tellLater(end: RestartEnd, dueAtMs: number): Promise<void>;
}
