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
  timeoutMS: 30_000,
  thresholds: { high: 100, low: 100, break: 100 },
  ignorePatterns: ['.venv', '.defib', 'dist', 'cdk.out', 'reports', 'coverage'],
  tempDirName: '.defib/stryker',
  reporters: ['clear-text', 'json', 'progress'],
  jsonReporter: { fileName: 'reports/mutation.json' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
};
