/** How long the first answer to an idempotency key is given again, ms. */
export const firstAnswerLifeMs = {
  /** Something was promised, or done: whatever becomes of it, for a day, unless its verdict takes the promise back. */
  promise: 24 * 60 * 60_000,
  /**
   * Nothing was kept. A copy of the same call gets the same answer, but who comes again after `Retry-After` asks anew:
   * the workspace may have died meanwhile, and this may be its last caller (V3).
   */
  refusal: 3000,
} as const;
