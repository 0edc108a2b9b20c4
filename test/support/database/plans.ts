/**
 * Statements as the store sends them, and how many rows PostgreSQL reads for one: under the generic plan, which a
 * prepared statement uses after a few runs.
 */
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import pg from 'pg'
import type { Db } from '#server/store/tables/tables.ts'

/** The statements that `work` sends. Each returns no row. */
export async function statementsOf(work: (db: Db) => Promise<unknown>): Promise<readonly CompiledQuery[]> {
  const sent: CompiledQuery[] = []
  const db: Db = new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: inner => new PostgresIntrospector(inner),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: event => void sent.push(event.query),
  })
  await work(db)
  return sent
}

interface Node {
  readonly 'Node Type': string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Node[]
}

/** How many rows the scans of a statement read, including those that a condition then filtered out. */
export async function rowsRead(url: string, { sql, parameters }: CompiledQuery): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('set plan_cache_mode = force_generic_plan')
    await client.query(`prepare measured as ${sql}`)
    const values = parameters.map(literal)
    const { rows } = await client.query(
      `explain (analyze, format json) execute measured${values.length === 0 ? '' : `(${values.join(', ')})`}`,
    )
    return scanned(rows[0]['QUERY PLAN'][0].Plan)
  } finally {
    await client.end()
  }
}

function literal(value: unknown): string {
  if (value instanceof Date) return pg.escapeLiteral(value.toISOString())
  return value === null ? 'null' : pg.escapeLiteral(Array.isArray(value) ? `{${value.join(',')}}` : String(value))
}

function scanned(node: Node): number {
  const below = (node.Plans ?? []).reduce((sum, plan) => sum + scanned(plan), 0)
  if (!node['Node Type'].endsWith('Scan')) return below
  const each =
    node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  return below + Math.ceil(each * node['Actual Loops'])
}
