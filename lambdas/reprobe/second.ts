import type { ReprobeMessage } from '../../core/messages.ts';
import type { Policy } from '../../core/policy.ts';
import type { Look, Receipt } from '../../core/receipt.ts';
import type { TimeRange } from '../../core/time.ts';
import type { Workspace } from '../../core/workspace.ts';

/** One message with everything known about it. */
export interface Second {
  readonly message: ReprobeMessage;
  readonly workspace: Workspace;
  readonly policy: Policy;
  readonly now: TimeRange;
  /** Its look was made by then, whatever this function's clock says: evidence of it is never older than it says (S4). */
  readonly lookedByMs: number;
  readonly look: Look;
  /** The receipt with this look on it. */
  readonly receipt: Receipt;
}
