/**
 * A schema there and back: loaded into an empty database, read, printed as SQL, loaded into another empty one, read again,
 * and compared. What the script's first lines name is told apart: a snapshot cannot hold all of it.
 */
import { schemaSql } from '#client/cli/schema-sql.ts'
import { type Change, drift } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { query, type TestServer } from '#test/support/database/postgres.ts'
import { readCatalog } from './catalog.ts'

/** The result. `differences` are those that the script does not name itself. */
export interface RoundTrip {
  readonly original: Snapshot
  readonly script: string
  readonly differences: readonly Change[]
  readonly named: readonly Change[]
}

/** Makes the databases `name` and `name_again` on a server, and compares them. Throws if either script fails. */
export async function roundTrip(server: TestServer, name: string, sql: string): Promise<RoundTrip> {
  const url = await server.createDatabase(name)
  await query(url, sql)
  const original = await readCatalog(url)
  const script = schemaSql(original)
  const again = await server.createDatabase(`${name}_again`)
  await query(again, script)
  const changes = drift(original, await readCatalog(again))
  const head = headOf(script)
  const isNamed = ({ path }: Change) => head.includes(path.at(-1) ?? '')
  return {
    ...{ original, script },
    differences: changes.filter(change => !isNamed(change)),
    named: changes.filter(isNamed),
  }
}

/** The comment at the beginning of a script. */
export function headOf(script: string): string {
  return script.startsWith('--') ? (script.split('\n\n')[0] ?? '') : ''
}
