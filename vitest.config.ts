import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Pure files, for `npm run test:unit`: no PostgreSQL, no process, no socket. Its set-up refuses a file that needs one.
export const unit = [
  'test/access/access-decisions.test.ts',
  'test/attacks/trust/a-keyring-that-others-can-replace.test.ts',
  'test/changes/shared-watch.test.ts',
  'test/checks/checklist-lines.test.ts',
  'test/checks/fix-texts.test.ts',
  'test/checks/role-facts.test.ts',
  'test/checks/role-texts.test.ts',
  'test/checks/tell-progress.test.ts',
  'test/checks/verification.test.ts',
  'test/connection-string/**/*.test.ts',
  'test/database/database-url.test.ts',
  'test/datasources/state-machines.test.ts',
  'test/datasources/status.test.ts',
  'test/dials/dial-decisions.test.ts',
  'test/dials/known-sentences.test.ts',
  'test/dials/open-networks.test.ts',
  'test/dials/place-advice.test.ts',
  'test/dials/special-blocks.test.ts',
  'test/feeds/endpoint-signatures.test.ts',
  'test/feeds/endpoint-verdict.test.ts',
  'test/feeds/feed-decisions.test.ts',
  'test/feeds/feed-texts.test.ts',
  'test/field/dashboard-strings.test.ts',
  'test/field/networks.test.ts',
  'test/field/placeholders.test.ts',
  'test/field/right-place.test.ts',
  'test/field/secrecy.property.test.ts',
  'test/house/architecture.test.ts',
  'test/house/limits-table.test.ts',
  'test/house/papers.test.ts',
  'test/house/security-paper.test.ts',
  'test/house/waits.test.ts',
  'test/http/json-offset.test.ts',
  'test/http/uuid-texts.test.ts',
  'test/http/wording.test.ts',
  'test/keys/keyring-rotation.test.ts',
  'test/keys/keyring.test.ts',
  'test/keys/opened-boxes.test.ts',
  'test/keys/seal-vectors.test.ts',
  'test/keys/seal.test.ts',
  'test/keys/signed-grants.test.ts',
  'test/keys/tokens.test.ts',
  'test/openapi/answers.test.ts',
  'test/openapi/dialect-inputs.test.ts',
  'test/openapi/shared-inputs.test.ts',
  'test/openapi/shared-texts.test.ts',
  'test/openapi/wire-texts.test.ts',
  'test/operations/config.test.ts',
  'test/regression/a-check-still-refuses-null.test.ts',
  'test/regression/a-space-among-the-slashes.test.ts',
  'test/regression/npm-ci-misses-other-platforms.test.ts',
  'test/schemas/drift-kinds.test.ts',
  'test/schemas/drift/**/*.test.ts',
  'test/schemas/drift.test.ts',
  'test/schemas/schema-types.test.ts',
  'test/schemas/snapshot-lists.test.ts',
  'test/schemas/snapshot.test.ts',
  'test/settings/wrong-values.test.ts',
  'test/tasks/paces.test.ts',
  'test/tasks/task-contract.test.ts',
]

// These measure the memory or the time of their own process: in it no other file has been before them.
const apart = [
  'test/attacks/sizes/catalog-bounds.test.ts',
  'test/attacks/sizes/pages-that-freeze-the-worker.test.ts',
  'test/dials/hostile-servers.test.ts',
  'test/feeds/endpoint-moods.test.ts',
  // It begins to watch the process itself, which goes on until its end.
  'test/telemetry/metrics.test.ts',
  // It registers an SDK for its process.
  'test/telemetry/tracing.test.ts',
  'test/regression/a-pool-ends-before-its-connections.test.ts',
]

// These measure the whole machine at work: beside another file they would measure that one too.
const alone = [
  'test/changes/watch-many.test.ts',
  // A transaction that another file holds open in the shared server would hold back what these wait for.
  'test/changes/watch.test.ts',
  'test/feeds/endpoint-story.test.ts',
  'test/tasks/queue-fairness.test.ts',
]

// Files that start programs of their own, told by what they import: Mooring's processes and commands, poolers, further PostgreSQL
// servers. They take two thirds of the time of all: `npm run test:processes` runs them, and `npm test` the others. The tests of
// the house belong to every change, whatever they start.
const STARTS_PROGRAMS =
  /'node:child_process'|\bstartServer\b|'#test\/support\/(?:mooring\/(?:tiers|moves|operator)|operations\/(?:processes|former-release)|database\/(?:pgbouncer|debian-postgres|standby)|schemas\/(?:catalog|round-trip|load-file|snapshots))\.ts'/
const processes = globSync('test/**/*.test.ts', { cwd: import.meta.dirname }).filter(
  path =>
    ![...unit, ...apart, ...alone].includes(path) &&
    !/^test.(?:house|console)./.test(path) &&
    STARTS_PROGRAMS.test(readFileSync(`${import.meta.dirname}/${path}`, 'utf8')),
)

// They take longest, most of it in processes that they start or in waiting: begun last, one of them would run by itself.
const longest = [
  'hostile-servers',
  'rotation-under-load',
  'first-start',
  'throwaway',
  'task-takes-workers-down',
  'feed-crash',
  'catalog-freezes-the-worker',
  'rolling-deploy',
  'readiness',
  'foreign-keyring',
  'sealing-anew-behind-what-cannot-be-opened',
  'superlinear-regex',
  'verdicts-past-their-time',
  'process-ignores-sigterm',
  'privileges',
  'local-folder',
  'pooler',
  'web-memory',
  'rolling-restart',
  'cli',
  'entries',
  'feed-moods',
  'keyring-command',
  'local-mode',
]

/** Begins with those that have a process of their own, then those that take longest, and goes on as vitest does. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification) => {
      if (project.name === 'apart') return -1
      const at = longest.findIndex(name => moduleId.endsWith(`/${name}.test.ts`))
      return at < 0 ? longest.length : at
    }
    return (await super.sort(files)).sort((one, other) => place(one) - place(other))
  }
}

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
// One more than there are cores: much of the time is waited for other processes.
const together = { ...whole, maxWorkers: availableParallelism() + 1, sequence: { groupOrder: 1 } }

// Of the console, in a browser: `npm run test:browser` asks for them, and nothing else runs them.
const inBrowser = ['test/console/**/*.test.ts']
const isAsked = process.argv.includes('--project=browser')

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
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
          ...together,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...unit, ...apart, ...alone, ...processes, ...inBrowser],
          // A third of the CPU time of most files was loading the product anew; no module of it holds anything.
          isolate: false,
        },
      },
      { test: { ...together, name: 'processes', include: processes, isolate: false } },
      { test: { ...together, name: 'apart', include: apart } },
      { test: { ...whole, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } } },
      ...(isAsked
        ? [
            {
              test: {
                ...shared,
                name: 'browser',
                include: inBrowser,
                globalSetup: ['test/support/database/global-setup.ts', 'test/support/console/global-setup.ts'],
                maxWorkers: availableParallelism(),
                isolate: false,
              },
            },
          ]
        : []),
    ],
  },
})
