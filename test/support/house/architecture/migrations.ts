/**
 * The folder of migrations: plain SQL, numbered without a gap, each with a first line that states its purpose.
 *
 * `schema.sql` beside them is the dumped result; the tests of the migrations check it.
 */
import type { Violation } from './source.ts'

/** Name and text of one file of the folder. */
export interface MigrationFile {
  readonly path: string
  readonly text: string
}

/** Reports files that are not migrations, missing or repeated numbers, and missing first lines. */
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
