/**
 * A schema round trip: loaded into an empty database, introspected, printed as SQL, loaded into another empty database,
 * introspected again, and compared. Objects that the first lines of the script name are handled separately, because a
 * snapshot cannot hold them completely.
 */
import { schemaSql } from '#client/cli/schema-sql.ts'
import { identifier } from '#client/cli/schema-sql-text.ts'
import { type Change, drift } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { query, type TestServer } from '#test/support/database/postgres.ts'
import { readCatalog } from './catalog.ts'
import { type Loaded, loadFile } from './load-file.ts'

/** The result. `differences` are those that the script does not name itself. */
export interface RoundTrip {
  readonly original: Snapshot
  readonly script: string
  readonly differences: readonly Change[]
  readonly named: readonly Change[]
  readonly loaded: Loaded
}

/** Makes the databases `name` and `name_again` on a server, and compares them. Throws if the printed script fails. */
export async function roundTrip(server: TestServer, name: string, sql: string): Promise<RoundTrip> {
  const url = await server.createDatabase(name)
  const loaded = await loadFile(url, sql)
  const original = await readCatalog(url)
  const script = schemaSql(original)
  const again = await server.createDatabase(`${name}_again`)
  await query(again, script)
  const changes = drift(original, await readCatalog(again))
  const lines = headOf(script)
    .split('\n')
    .filter(line => line.startsWith('--   '))
  const isNamed = ({ path }: Change) => lines.some(line => names(line, path))
  return {
    ...{ original, script, loaded },
    differences: changes.filter(change => !isNamed(change)),
    named: changes.filter(isNamed),
  }
}

/**
 * True if a line names the object: its schema and relation together, and its own name, none of them as part of another
 * name.
 */
function names(line: string, path: readonly string[]): boolean {
  const [schema = '', ...others] = path
  // For a partition, whose path includes its schema, a line names the parts that it has of its own.
  if (others.length === 2 && line.endsWith(` of ${others[1]}`)) return true
  const own = (others.at(-1) ?? schema).replace(/^(?:statistics object|collation) /, '')
  if (others.length <= 1) return [own, identifier(own)].some(text => hasName(line, text)) && hasSchema(line, path)
  const relation = `${identifier(schema)}.${identifier(others[0] ?? '')}`
  return hasName(line, relation) && [own, identifier(own)].some(text => hasName(line, text))
}

/** A type of another schema, which this one uses, has its own in its name. */
function hasSchema(line: string, [schema = '', ...others]: readonly string[]): boolean {
  return others.length === 0 || others[0]?.startsWith('public.') || line.includes(`${identifier(schema)}.`)
}

function hasName(line: string, name: string): boolean {
  for (let at = line.indexOf(name); at >= 0; at = line.indexOf(name, at + 1)) {
    const [before, after] = [line.charAt(at - 1), line.charAt(at + name.length)]
    if (!/[\w$"]/.test(before) && !/[\w$"]/.test(after)) return true
  }
  return false
}

/** The comment at the beginning of a script. */
export function headOf(script: string): string {
  return script.startsWith('--') ? (script.split('\n\n')[0] ?? '') : ''
}
