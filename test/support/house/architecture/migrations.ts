/**
 * The folder of migrations: plain SQL, numbered without a gap, each with a first line that says what and why.
 *
 * `schema.sql` stands beside them as the dumped result and is checked by the tests of the migrations.
 */
import type { Violation } from './source.ts'

/** Name and text of one file of the folder. */
export interface MigrationFile {
  readonly path: string
  readonly text: string
}

/** Reports files that are no migration, numbers left out or used twice, and missing first lines. */
export function checkMigrations(files: readonly MigrationFile[]): Violation[] {
  const migrations = files
    .filter(({ path }) => !path.endsWith('/schema.sql'))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
  return migrations.flatMap(({ path, text }, index) => {
    const violation = (detail: string): Violation => ({ file: path, line: 1, rule: 'migration', detail })
    const number = path.match(/^migrations\/(\d{4})_[a-z0-9_]+\.sql$/)?.[1]
    if (number === undefined) return [violation('not named NNNN_what_it_makes.sql')]
    const found: Violation[] = []
    if (Number(number) !== index + 1) found.push(violation(`number ${number} where ${index + 1} comes next`))
    if (!/^-- \S/.test(text)) found.push(violation('the first line does not say what and why'))
    return found
  })
}
