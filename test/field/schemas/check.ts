/**
 * `npm run -s schema-check -- FILE.sql`: loads a schema file into an empty PostgreSQL 18, introspects it, prints its SQL,
 * loads that, introspects again, and says what differs. Exit status 0 where nothing does, 1 where something does.
 *
 * The file is run as it is, by the superuser of a server that is thrown away: give it none that is not yours.
 */
import { readFile } from 'node:fs/promises'
import { printable } from '#shared/base/printable.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { headOf, roundTrip } from '#test/support/schemas/round-trip.ts'

const [path] = process.argv.slice(2)
if (path === undefined) {
  console.error('Name a file: npm run -s schema-check -- FILE.sql')
  process.exit(2)
}
const sql = await readFile(path, 'utf8')
const server = await startServer()
try {
  const { original, script, differences } = await roundTrip(server, 'schema_check', sql)
  const relations = original.schemas.flatMap(schema => schema.relations)
  console.log(`${original.schemas.length} schemas, ${relations.length} tables and views`)
  const head = headOf(script)
  if (head !== '') console.log(head)
  for (const { class: rated, kind, object, path: names, what = '', reason } of differences)
    console.log(`${rated} ${kind} ${object} ${names.map(printable).join('.')} ${what}: ${reason}`)
  console.log(differences.length === 0 ? 'Nothing differs.' : `${differences.length} differences`)
  if (differences.length > 0) process.exitCode = 1
} catch (error) {
  console.error(printable(String(error)))
  process.exitCode = 1
} finally {
  await server.stop()
}
