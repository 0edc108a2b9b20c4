/**
 * `npm run dump`: writes generated files, which the tests compare: `migrations/schema.sql` and
 * `server/store/tables/tables.ts` from the migrations; in `docs/`, the commands, faults, limits, state machines,
 * metrics and alerts from their tables; and the guide that the server shows from `docs/guide.md`.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { faultsDocument } from '#server/rest/guide/faults-page.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { limitsDocument } from '#test/support/limits/document.ts'
import { commandsDocument } from '#test/support/papers/commands-document.ts'
import { envExample } from '#test/support/papers/env-example.ts'
import { guideModule } from '#test/support/papers/guide-module.ts'
import { alertRules, withMetrics } from '#test/support/papers/metrics-document.ts'
import { stateMachinesDocument } from '#test/support/papers/state-machines-document.ts'
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
await writeFile(at('docs/commands.md'), commandsDocument())
await writeFile(at('.env.example'), envExample(await readFile(at('docs/settings.md'), 'utf8')))
await writeFile(at('docs/faults.md'), faultsDocument())
await writeFile(at('server/rest/guide/guide-text.ts'), await guideModule())
await writeFile(at('docs/state-machines.md'), stateMachinesDocument())
await writeFile(at('docs/limits.md'), limitsDocument())
await writeFile(at('docs/operations.md'), withMetrics(await readFile(at('docs/operations.md'), 'utf8')))
await writeFile(at('docs/prometheus/alerts.yml'), alertRules())
