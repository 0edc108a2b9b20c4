/**
 * Every schema of the fixtures, dumped and restored by a version's own `pg_dump`, compared with the schema before.
 * Called by `npm run test:upgrades`.
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Change, drift } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { type Major, startServer } from '#test/support/database/postgres.ts'
import { readCatalog } from '#test/support/schemas/catalog.ts'
import { loadFile } from '#test/support/schemas/load-file.ts'
import type { Programs } from './archive.ts'

const FOLDER = new URL('../field/schemas/fixtures/', import.meta.url)
const MAX_DUMP_BYTES = 1 << 24

/**
 * The functions of the extension earthdistance do not find their types with an empty search path, which a dump sets.
 */
export const NOT_RESTORABLE: ReadonlySet<string> = new Set(['maps.sql'])

/** The comparison of one schema. */
export interface Outcome {
  readonly file: string
  /** Unexpected drift. */
  readonly others: readonly string[]
  /** The number of changes that are reported as differences in formatting only. */
  readonly spelled: number
}

/** Returns the fixtures for a major version, by name. `name-15.sql` is for 15 and later. */
export function fixturesFor(major: number): Map<string, string> {
  const files = readdirSync(FOLDER).filter(file => Number(/-(\d\d)\.sql$/.exec(file)?.[1] ?? 13) <= major)
  return new Map(files.sort().map(file => [file, readFileSync(new URL(file, FOLDER), 'utf8')]))
}

/** Compares two snapshots. `isExpected` is true for a change that the upgrade is expected to cause. */
export function outcomeOf(
  file: string,
  [before, after]: readonly [Snapshot, Snapshot],
  isExpected: (change: Change) => boolean,
): Outcome {
  const changes = drift(before, after)
  const others = changes
    .filter(change => !isExpected(change))
    .map(it => `${it.class}: ${it.path.join('.')} ${it.reason}`)
  return { file, others, spelled: changes.length - others.length }
}

/** Dumps and restores on servers of the programs' own version. No drift at all is expected. */
export async function restoredByItself(programs: Programs): Promise<Outcome[]> {
  // Sound: the suites have versions that the tests can start.
  const server = await startServer({ major: programs.major as Major, settings: { wal_level: 'logical' } })
  const outcomes: Outcome[] = []
  try {
    for (const [file, sql] of fixturesFor(programs.major)) {
      if (NOT_RESTORABLE.has(file)) continue
      const url = await server.createDatabase(file)
      await loadFile(url, sql)
      const { stdout: dump } = await promisify(execFile)(programs.program('pg_dump'), [`--dbname=${url}`], {
        maxBuffer: MAX_DUMP_BYTES,
      })
      const again = await server.createDatabase(`${file}_restored`)
      const { refused } = await loadFile(again, dump)
      // The schema exists from the beginning, and objects of the whole server are created once.
      const wrong = refused.filter(({ message }) => !/already exists/.test(message)).map(({ message }) => message)
      const outcome = outcomeOf(file, [await readCatalog(url), await readCatalog(again)], () => false)
      outcomes.push({ ...outcome, others: [...wrong, ...outcome.others] })
    }
  } finally {
    await server.stop()
  }
  return outcomes
}
