// Stryker over the agent's core, by its unit tests: `npm run mutation`, or one file of it by
// `npm run mutation -- --mutate agent/core/lineage.ts`. Not part of scripts/test: it takes the better part
// of an hour.

import { join } from 'node:path';

const plugin = join(
  import.meta.dirname,
  'node_modules/@stryker-mutator/tap-runner/dist/src/index.js',
);

export default {
  testRunner: 'tap',
  plugins: [plugin],
  mutate: ['agent/core/*.ts'],
  // core-rules compares documents with the source, which is another one here.
  tap: { testFiles: ['test/unit/core-!(rules).test.ts'] },
  coverageAnalysis: 'perTest',
  // Sentences for people are no decisions: tests that repeat them word for word hinder more than they help.
  mutator: { excludedMutations: ['StringLiteral'] },
  // Its preprocessor wants the compiler's old programming interface; types are stripped by node.
  ignorePatterns: ['tsconfig.json', 'docs', 'dist', 'manifests', 'webhook', 'test/mutation'],
  tempDirName: '.stryker',
  cleanTempDir: 'always',
  timeoutMS: 20_000,
  reporters: ['clear-text', 'progress-append-only', 'json'],
  jsonReporter: { fileName: '.stryker-report/mutation.json' },
  clearTextReporter: { reportTests: false },
};
