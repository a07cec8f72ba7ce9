/**
 * Mutation testing of the core: every mutant of the code that decides must be killed by a test in test/core.
 * `npm run mutate`, or `npm run mutate -- --mutate core/judge.ts` for one file.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  mutate: ['core/**/*.ts'],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutate.config.ts', related: false },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // Nothing in the core can loop for ever. What takes long is the truth table on a busy machine, and that must not count as a kill.
  timeoutMS: 180_000,
  thresholds: { high: 100, low: 100, break: 100 },
  ignorePatterns: ['.venv', '.defib', 'dist', 'cdk.out', 'reports', 'coverage'],
  tempDirName: '.defib/stryker',
  reporters: ['clear-text', 'json', 'progress'],
  jsonReporter: { fileName: 'reports/mutation.json' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
};
