/**
 * Backlogs of due tasks, made by the database itself, and the rows that a claim reads from them: for the tests and the
 * benchmark of the queue. The tasks are for datasources that do not exist: they are claimed and settled, and never run.
 */

import type { RawBuilder } from 'kysely'
import pg from 'pg'
import type { Db } from '#server/store/tables/tables.ts'
import { PLAN_SETTINGS } from '#server/store/tasks/claim-choice.ts'

/** The due tasks. */
export interface Backlog {
  readonly tasks: number
  readonly organizations: number
  /** The share of one organization, in tasks per hundred. */
  readonly ofOne: number
  /** Tasks of the priorities from 0 to this one, in turn; by default all are scheduled ones. */
  readonly upToPriority?: number
}

const SCHEDULED = 2
/** `requested`, `hung` and `awaited_until` of the priorities from 0 to 4. */
const COLUMNS = `(values (0, 1, false, now()), (1, 1, false, null), (2, 0, false, null), (3, 1, true, null), (4, 0, true, null))
  as columns (priority, requested, hung, awaited_until)`

const ORGANIZATION = "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"

/** Makes checks that became due one after the other, until now. */
export async function makeBacklog(url: string, backlog: Backlog): Promise<void> {
  const { tasks, organizations, ofOne, upToPriority } = backlog
  const priority = upToPriority === undefined ? SCHEDULED : `i % ${upToPriority + 1}`
  await inSession(url, async client => {
    // Turns off foreign-key triggers.
    await client.query('set session_replication_role = replica')
    await client.query(
      `insert into organizations (id, name, created_at)
       select ${ORGANIZATION}, 'Organization ' || n, now() from generate_series(1, ${organizations}) as n`,
    )
    await client.query(
      `insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at, requested, hung, awaited_until)
       select ${ORGANIZATION}, gen_random_uuid(), 'verify', gen_random_uuid(), true,
         now() - interval '1 day' * (${tasks} - i) / ${tasks}, now(), requested, hung, awaited_until
       from (select i, case when i % 100 < ${ofOne} then 1 else 1 + i / 3 % ${organizations} end as n
         from generate_series(1, ${tasks}) as i) as numbered join ${COLUMNS} on columns.priority = ${priority}`,
    )
    await client.query('analyze tasks')
  })
}

/** The cost of a claim. `rows` were read from the table and its indexes, including skipped ones. */
export interface Reading {
  readonly rows: number
  readonly buffers: number
  readonly ms: number
  readonly claimed: number
  /** The kinds of scans of the table, and by which index. */
  readonly scans: readonly string[]
}

/** Explains a statement of the queue, and rolls back its effects. */
export async function readingOf(
  db: Db,
  url: string,
  choice: { statement: RawBuilder<unknown>; plan: 'generic' | 'custom' },
): Promise<Reading> {
  const { sql, parameters } = choice.statement.compile(db)
  return inSession(url, async client => {
    await client.query('begin')
    for (const [name, value] of Object.entries({ ...PLAN_SETTINGS, plan_cache_mode: `force_${choice.plan}_plan` }))
      await client.query(`set local ${name} = '${value}'`)
    await client.query(`prepare claim as ${sql}`)
    const values = parameters.map(literal).join(', ')
    const { rows } = await client.query(`explain (analyze, buffers, format json) execute claim (${values})`)
    await client.query('rollback')
    const [explained] = rows[0]['QUERY PLAN']
    const { Plan: plan } = explained
    const scans = nodesOf(plan).filter(node => node['Relation Name'] === 'tasks' && node['Node Type'] !== 'ModifyTable')
    return {
      rows: Math.round(sum(scans.map(readBy))),
      buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
      ms: explained['Execution Time'],
      claimed: sum(
        nodesOf(plan)
          .filter(node => node['Node Type'] === 'ModifyTable')
          .map(node => node['Actual Rows']),
      ),
      scans: [...new Set(scans.map(node => `${node['Node Type']} ${node['Index Name'] ?? ''}`.trim()))].sort(),
    }
  })
}

type Node = ReturnType<typeof JSON.parse>

function nodesOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

function readBy(node: Node): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  return (node['Actual Rows'] + removed) * node['Actual Loops']
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function literal(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (value instanceof Date) return `'${value.toISOString()}'`
  return pg.escapeLiteral(Array.isArray(value) ? `{${value.join(',')}}` : String(value))
}

async function inSession<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
