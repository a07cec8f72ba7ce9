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

/** Where the end of each restart is written down, for the story. */
export interface RestartRecords {
  note(workspaceId: string, record: RestartRecord): Promise<void>;
}
