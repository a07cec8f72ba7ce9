/** Receipts of verdicts and orders. */
import type { Probe } from '../../core/facts.ts';
import type { Receipt } from '../../core/receipt.ts';
import type { KeptAnswer } from './idempotency.ts';
import type { ProbeNote } from './workspaces.ts';

/** What an operator has ordered, kept beside the receipts: who, why, and what was known at the time (S35). */
export interface OperatorOrder {
  /** A ULID. */
  readonly orderId: string;
  readonly workspaceId: string;
  readonly what: 'restart' | 'force-restart' | 'approve-restart' | 'release-quarantine';
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  /** The claim or finding that it is about. */
  readonly token: string;
  readonly probe?: Probe;
}

export interface ReceiptStore {
  /** Writes down an order, before anything follows from it. */
  putOrder(order: OperatorOrder): Promise<void>;
  /**
   * Writes a receipt as it is now. A final one never changes any more, and one that says dead by intent does not go back
   * to pending: the one that is there `stands`.
   */
  put(receipt: Receipt): Promise<'written' | 'stands'>;
  read(workspaceId: string, verdictId: string): Promise<Receipt | undefined>;
  list(
    workspaceId: string,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ receipts: Receipt[]; cursor?: string }>;
  /**
   * One write for what a forward error leaves behind without parking: receipt, first answer, last probe. `repeated`:
   * another call with the same idempotency key was faster, and nothing was written.
   */
  putJudged(judged: JudgedWrite): Promise<'written' | 'repeated'>;
}

export interface JudgedWrite {
  readonly about: { readonly workspaceId: string; readonly atMs: number };
  /** Absent for a call that joins another's verdict. */
  readonly receipt?: Receipt;
  readonly probe?: ProbeNote;
  readonly firstAnswer?: KeptAnswer;
}
