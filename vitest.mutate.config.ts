import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Examples first: most mutants die there, at once, and only the tough ones meet the proofs, the truth table last. */
class ExamplesFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const cost = ({ moduleId }: TestSpecification): number =>
      moduleId.includes('truth-table') ? 2 : moduleId.includes('.proof.') ? 1 : 0;
    return Promise.resolve([...files].sort((one, other) => cost(one) - cost(other)));
  }
}

/** The proofs of the core alone, by the same chances every time: so that a mutant lives or dies for a reason. */
export default defineConfig({
  test: {
    include: ['test/core/**/*.test.ts'],
    // It reads the source, which a mutation run has rewritten.
    exclude: ['test/core/equivalents.test.ts'],
    setupFiles: ['test/core/fixed-seed.ts'],
    env: { DEFIB_FEWER_RUNS: '10' },
    // A test that is slow because the machine is busy must not count as a kill.
    testTimeout: 150_000,
    // Each mutant gets a worker of its own all the same; a module loaded once a file would cost more than the tests.
    isolate: false,
    sequence: { sequencer: ExamplesFirst },
  },
});
