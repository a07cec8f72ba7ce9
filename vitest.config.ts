import { defineConfig } from 'vitest/config';
import { LongFilesFirst } from './test/e2e/long-files-first.ts';

/** Tests that need neither a deployed stack nor the network. */
const withoutStack = {
  // The functions' own logs would bury the report.
  env: { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' },
  globalSetup: ['test/lib/built-functions.ts'],
  // Loading the CDK and the SDK anew for each file takes longer than all the tests: so they share their
  // modules, and a test that changes one has to put it back.
  isolate: false,
};
/** Tests that mostly wait: several files at a time, each on a stack of its own. */
const onTheStack = {
  hookTimeout: 300_000,
  // An AWS of the user's own has room for one stack.
  maxWorkers: process.env['AWS_ENDPOINT_URL'] ? 1 : 3,
  maxConcurrency: 10,
  sequence: { groupOrder: 1 },
};
const elsewhere = ['test/{e2e,e2e-brake,readme,package,simulator,spec}/**', 'test/contract/emulator.test.ts'];

export default defineConfig({
  test: {
    sequence: { sequencer: LongFilesFirst },
    projects: [
      {
        test: {
          ...withoutStack,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...elsewhere, 'test/**/*.proof.test.ts'],
        },
      },
      {
        // The same kind of tests, over so many cases that nobody waits for them after each change.
        test: {
          ...withoutStack,
          name: 'proofs',
          include: ['test/**/*.proof.test.ts'],
          exclude: elsewhere,
          testTimeout: 60_000,
        },
      },
      {
        // It has threads of its own for both cores, so one file after another.
        test: {
          ...withoutStack,
          name: 'simulator',
          include: ['test/{simulator,spec}/**/*.test.ts'],
          testTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...onTheStack,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/setup.ts'],
          setupFiles: ['test/e2e/nothing-left.ts', 'test/e2e/replay-receipts.ts'],
          testTimeout: 120_000,
        },
      },
      {
        // A stack whose brake is not out of the way; it may run among the files of the other.
        test: {
          ...onTheStack,
          name: 'e2e-brake',
          include: ['test/e2e-brake/**/*.test.ts'],
          globalSetup: ['test/e2e-brake/setup.ts'],
          setupFiles: ['test/e2e/replay-receipts.ts'],
          testTimeout: 300_000,
        },
      },
      {
        // Not in `npm test`: test/contract/main.ts runs it with the emulator that it has started.
        test: {
          name: 'contract',
          include: ['test/contract/emulator.test.ts'],
          globalSetup: ['test/contract/setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The README's own commands, the long ones among them.
        test: {
          name: 'readme',
          include: ['test/readme/**/*.test.ts'],
          testTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        // Packs, installs and synthesises as a user does: slow, and not about any one file.
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
