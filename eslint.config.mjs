import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** What `core` may not touch: it decides, and knows no clock, no chance, no I/O and nobody outside itself. */
const pureCore = {
  files: ['core/**/*.ts'],
  rules: {
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'core takes time as an input.' },
      { object: 'Math', property: 'random', message: 'core takes no chances: pass the value in.' },
    ],
    'no-restricted-globals': [
      'error',
      ...['process', 'console', 'fetch', 'setTimeout', 'setInterval', 'performance', 'crypto'].map(
        (name) => ({
          name,
          message: 'core has no I/O and no clock.',
        }),
      ),
    ],
    'no-restricted-syntax': [
      'error',
      {
        selector: "NewExpression[callee.name='Date'][arguments.length=0]",
        message: 'core takes time as an input.',
      },
      { selector: ':function[async=true]', message: 'core is synchronous.' },
      { selector: 'AwaitExpression', message: 'core is synchronous.' },
      { selector: "NewExpression[callee.name='Promise']", message: 'core is synchronous.' },
    ],
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: '^(?!\\./)', message: 'core imports only core.' }] },
    ],
  },
};

const handlersSeeNoSdk = {
  files: ['lambdas/**/handle.ts', 'lambdas/ports/*.ts', 'lambdas/judging/**/*.ts', 'lambdas/parking/**/*.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { regex: '^(@aws-sdk|@aws-lambda-powertools|node:)', message: 'use cases speak to ports only.' },
        ],
      },
    ],
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'use the Clock port.' },
      { object: 'Math', property: 'random', message: 'use the Ids port.' },
    ],
    'no-restricted-globals': ['error', 'process', 'console', 'fetch', 'setTimeout'],
  },
};

export default tseslint.config(
  { ignores: ['dist', 'cdk.out', '.venv', '.defib', 'node_modules', 'coverage', 'reports'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-empty-function': 'off',
      'max-params': ['error', 5],
    },
  },
  pureCore,
  handlersSeeNoSdk,
  {
    files: ['test/**/*.ts'],
    // The columns of a test table are not a signature that anybody calls.
    rules: { 'max-params': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
  },
);
