import { defineConfig } from 'vitest/config'

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
  globalSetup: ['test/support/database/global-setup.ts'],
  pool: 'forks' as const,
  // Whole processes are started, and this machine may be busy: what hangs is told from what is slow by a wide margin.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // What is awaited so is another process's doing: one second, the default, is not long on a busy machine.
  expect: { poll: { timeout: 20_000, interval: 20 } },
  // A retry would hide what is wrong: a test that fails once is red.
  retry: 0,
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...shared, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
