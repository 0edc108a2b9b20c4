/**
 * `npm run dump`: writes what is derived from something else, which the tests compare: `migrations/schema.sql` and
 * `server/store/tables/tables.ts` from the migrations, the README's table of faults from `shared/faults/fault.ts`, and
 * `docs/limits.md` from the table of limits.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { migrate } from '#server/store/installation/migrate.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { limitsDocument } from '#test/support/limits/document.ts'
import { withFaultTable } from './fault-table.ts'
import { dumpSchema } from './schema-dump.ts'
import { tableTypes } from './table-types.ts'

const at = (path: string) => new URL(`../../../${path}`, import.meta.url)

const server = await startServer()
try {
  const url = await server.createDatabase('dump')
  await migrate(url)
  await writeFile(at('migrations/schema.sql'), await dumpSchema(url))
  await writeFile(at('server/store/tables/tables.ts'), await tableTypes(url))
} finally {
  await server.stop()
}
await writeFile(at('README.md'), withFaultTable(await readFile(at('README.md'), 'utf8')))
await writeFile(at('docs/limits.md'), limitsDocument())
