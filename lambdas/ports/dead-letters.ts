/** Requests that were given up. */
import type { ParkedMessage } from '../../core/messages.ts';
import type { ParkedRequest } from '../../core/parking.ts';

/** Requests that were given up, with their bytes, so that they can be sent again. */
export interface DeadLetters {
  /** Keeps a message's bytes. Before the row ends, so that no dead letter is without them. */
  keep(message: ParkedMessage, atMs: number): Promise<void>;
  /** The bytes as they were sent; undefined when they were lost with their message, or are too old. */
  read(requestId: string): Promise<ParkedMessage | undefined>;
  list(limit: number, cursor: string | undefined): Promise<{ requests: ParkedRequest[]; cursor?: string }>;
  /** Step 1 of parking for a request made from a dead letter: once, unless the one before came to nothing. */
  acceptAgain(
    deadLetter: ParkedRequest,
    request: ParkedRequest,
    parkedMax: number,
  ): Promise<'accepted' | 'full' | 'redriven'>;
}
