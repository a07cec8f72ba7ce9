import type { Facts } from './facts.ts';
import type { ErrorKind } from './forward-error.ts';
import type { Policy } from './policy.ts';
import { reasonMeaning, type Flip, type Judgement, type Reason, type Rule, type Verdict } from './verdict.ts';

/** One look: what was seen, and what the judge said of it. `judge` replayed on the facts says the same again. */
export interface Look {
  readonly facts: Facts;
  readonly judgement: Judgement;
  /** How long the reading and probing took, by the function's own clock. */
  readonly tookMs?: number;
}

/** The stored record of one verdict chain, written before any effect of the verdict (S35). */
export interface Receipt {
  readonly verdictId: string;
  readonly workspaceId: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly rule: Rule;
  /** When the latest look was made, epoch ms. */
  readonly atMs: number;
  /** When the first look was made, epoch ms. */
  readonly openedAtMs: number;
  readonly looks: readonly Look[];
  readonly flip: readonly Flip[];
  readonly policy: Policy;
  /** A fingerprint of the policy: receipts with the same one were judged by the same numbers. */
  readonly policyVersion: string;
  readonly errorKind: ErrorKind;
  /** Who asked: a role, or `deliver`. */
  readonly askedBy: string;
  readonly requestId?: string;
  /** Set while a claim is being tried: the verdict is dead by intent, and final only with the claim's outcome. */
  readonly intent?: 'dead';
  /** What followed from a dead verdict. `withheld`: it was only observed. Absent in receipts of before it was kept. */
  readonly act?: 'restart' | 'awaits-approval' | 'withheld' | 'none';
}

/** Receipts are kept this long. */
export const RECEIPT_LIFE_MS = 30 * 24 * 60 * 60_000;
/** The looks that a receipt keeps at most; a chain that goes on longer keeps its first and its latest. */
const LOOKS_KEPT = 8;

/** The verdict that a judgement stands for, while or after the second look. */
export function verdictOf(judgement: Judgement): Verdict {
  switch (judgement.call) {
    case 'alive':
      return 'alive';
    case 'dead':
      return 'dead';
    case 'suspect':
    case 'probe-queued':
      return 'pending';
    case 'busy':
    case 'probe':
    case 'unknown-workspace':
      return 'busy';
  }
}

/** The receipt with one more look on it. */
export function withLook(receipt: Receipt, look: Look, verdict: Verdict): Receipt {
  const looks =
    receipt.looks.length < LOOKS_KEPT
      ? [...receipt.looks, look]
      : [...receipt.looks.slice(0, 1), ...receipt.looks.slice(2), look];
  const { reason, rule, flip } = look.judgement;
  return { ...receipt, verdict, reason, rule, flip, atMs: look.facts.now.latestMs, looks };
}

/** A receipt for a first look. */
export function openReceipt(
  about: Pick<Receipt, 'verdictId' | 'workspaceId' | 'errorKind' | 'askedBy' | 'policy' | 'policyVersion'> & {
    requestId?: string;
  },
  look: Look,
): Receipt {
  const { reason, rule, flip } = look.judgement;
  const atMs = look.facts.now.latestMs;
  return {
    ...about,
    verdict: verdictOf(look.judgement),
    reason,
    rule,
    flip,
    atMs,
    openedAtMs: atMs,
    looks: [look],
  };
}

/** Whether a receipt's verdict stands. */
export function isFinal(receipt: Pick<Receipt, 'verdict' | 'intent'>): boolean {
  return receipt.verdict !== 'pending' && receipt.intent === undefined;
}

/** One sentence for people. */
export function explain(reason: Reason): string {
  return reasonMeaning[reason];
}
