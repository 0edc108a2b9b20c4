/**
 * `npm run -s schema-check -- FILE.sql [MAJOR]`: loads a schema file into an empty PostgreSQL (18, or the given major
 * version), introspects it, prints its SQL, loads that, introspects again, and reports the differences. Exit status: 0
 * for none, 1 for differences or statements that were not loaded, 2 for a missing file or version.
 *
 * It loads the file as psql would, including dumps of pg_dump: COPY rows and psql commands are skipped and listed, and
 * missing roles are created. It runs as superuser on a throwaway server: use it only with your own files.
 */
import { readFile } from 'node:fs/promises'
import { printable } from '#shared/base/printable.ts'
import type { Change } from '#shared/schemas/drift/drift.ts'
import { installedMajors, startServer } from '#test/support/database/postgres.ts'
import type { Loaded } from '#test/support/schemas/load-file.ts'
import { headOf, type RoundTrip, roundTrip } from '#test/support/schemas/round-trip.ts'

function refuse(why: string): never {
  console.error(why)
  process.exit(2)
}

const MAX_LISTED = 20

/** Prints a title and the first of many lines below it. */
function tell(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  console.log(title)
  for (const line of lines.slice(0, MAX_LISTED)) console.log(`  ${printable(line)}`)
  if (lines.length > MAX_LISTED) console.log(`  and ${lines.length - MAX_LISTED} more`)
}

function tellLoaded({ refused, passedOver, roles }: Loaded): void {
  tell('Roles that the file names and does not make, made for it:', roles)
  tell(
    'Passed over:',
    passedOver.map(({ line, what }) => `line ${line}: ${what}`),
  )
  tell(
    'Refused by the server:',
    refused.map(({ line, message }) => `line ${line}: ${message}`),
  )
}

function lineOf({ class: rated, kind, object, path, what, reason }: Change): string {
  return `${rated} ${kind} ${object} ${path.join('.')}${what === undefined ? '' : ` (${what})`}: ${reason}`
}

function tellTrip({ original, script, loaded, differences, named }: RoundTrip): boolean {
  const relations = original.schemas.flatMap(schema => schema.relations)
  console.log(`${original.schemas.length} schemas, ${relations.length} tables and views`)
  tellLoaded(loaded)
  console.log(headOf(script))
  for (const change of differences) console.log(printable(lineOf(change)))
  const others = named.length === 0 ? '' : ` but what the first lines name, ${named.length} in all`
  console.log(differences.length === 0 ? `Nothing differs${others}.` : `${differences.length} differences`)
  return differences.length === 0 && loaded.refused.length === 0
}

const [path, version = '18'] = process.argv.slice(2)
if (path === undefined) refuse('Name a file: npm run -s schema-check -- FILE.sql [MAJOR]')
const major = installedMajors().find(one => String(one) === version)
if (major === undefined)
  refuse(`There is no PostgreSQL ${printable(version)} here, but ${installedMajors().join(', ')}.`)
const sql = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => refuse(`${path}: ${error.code}`))
const server = await startServer({ major, settings: { wal_level: 'logical' } })
try {
  if (!tellTrip(await roundTrip(server, 'schema_check', sql))) process.exitCode = 1
} catch (error) {
  console.error(printable(`The printed script failed: ${String(error)}`))
  process.exitCode = 1
} finally {
  await server.stop()
}
