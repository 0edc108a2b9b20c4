import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// Pure files, for `npm run test:unit`: no PostgreSQL, no process, no socket. Its set-up refuses a file that needs one.
const unit = [
  'test/attacks/trust/a-keyring-that-others-can-replace.test.ts',
  'test/changes/shared-watch.test.ts',
  'test/checks/role-facts.test.ts',
  'test/checks/verification.test.ts',
  'test/connection-string/**/*.test.ts',
  'test/database/database-url.test.ts',
  'test/datasources/status.test.ts',
  'test/dials/open-networks.test.ts',
  'test/dials/special-blocks.test.ts',
  'test/feeds/endpoint-signatures.test.ts',
  'test/feeds/feed-decisions.test.ts',
  'test/field/dashboard-strings.test.ts',
  'test/field/placeholders.test.ts',
  'test/field/right-place.test.ts',
  'test/house/architecture.test.ts',
  'test/house/limits-table.test.ts',
  'test/house/readme.test.ts',
  'test/house/security-paper.test.ts',
  'test/house/waits.test.ts',
  'test/http/json-offset.test.ts',
  'test/http/uuid-texts.test.ts',
  'test/http/wording.test.ts',
  'test/keys/keyring.test.ts',
  'test/keys/seal-vectors.test.ts',
  'test/keys/seal.test.ts',
  'test/operations/config.test.ts',
  'test/regression/npm-ci-misses-other-platforms.test.ts',
  'test/schemas/drift.test.ts',
  'test/schemas/snapshot.test.ts',
  'test/tasks/paces.test.ts',
]

// These measure time, memory or the whole machine at work: beside another file they would measure that one too.
const alone = [
  'test/changes/watch-many.test.ts',
  // A transaction that another file holds open in the shared server would hold back what these wait for.
  'test/changes/watch.test.ts',
  'test/feeds/endpoint-story.test.ts',
  'test/tasks/queue-fairness.test.ts',
  'test/keys/rotation-under-load.test.ts',
  'test/operations/web-memory.test.ts',
  'test/feeds/feed-crash.test.ts',
  'test/dials/hostile-servers.test.ts',
]

const shared = {
  pool: 'forks' as const,
  // Whole processes are started, and this machine may be busy: what hangs is told from what is slow by a wide margin.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // What is awaited so is another process's doing: one second, the default, is not long on a busy machine.
  expect: { poll: { timeout: 20_000, interval: 20 } },
  // A retry would hide what is wrong: a test that fails once is red.
  retry: 0,
}
const whole = { ...shared, globalSetup: ['test/support/database/global-setup.ts'] }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: unit,
          setupFiles: ['test/support/house/unit-setup.ts'],
          isolate: false,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...whole,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...unit, ...alone],
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...whole, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
})
