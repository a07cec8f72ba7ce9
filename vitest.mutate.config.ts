import { defineConfig } from 'vitest/config';

/** The proofs of the core alone, by the same chances every time: so that a mutant lives or dies for a reason. */
export default defineConfig({
  test: { include: ['test/core/**/*.test.ts'], setupFiles: ['test/core/fixed-seed.ts'] },
});
