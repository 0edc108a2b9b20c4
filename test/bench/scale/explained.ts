/**
 * Explains every statement that this process sends during a measurement: in the same session and transaction, with the
 * same values, before it runs, with the plan for these values and with the generic plan. The effects of explaining are
 * rolled back.
 *
 * It replaces the driver for all connections of the process, so it covers every statement of the product. The server
 * counts the rows that a function reads.
 */
import pg from 'pg'

/** An observed plan. */
export interface Explained {
  readonly text: string
  readonly plan: 'custom' | 'generic'
  /** Rows read from tables and indexes, including those that a condition then filtered out. */
  readonly rows: number
  readonly buffers: number
  /** Tables that were read from end to end. */
  readonly whole: readonly string[]
  /** The operation passed to `during`. */
  readonly during: string
}

interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Node[]
}

const PLANS = ['custom', 'generic'] as const
const EXPLAINABLE = /^\s*(select|with|insert|update|delete)\b/i

/** A call of a function that writes: their names end with a number. */
const FUNCTION = /\w_\d+\(/
/** The rows that this transaction has read so far from each table: in any way, and by sequential scans. */
const READ = `select relname as name, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as rows, coalesce(seq_tup_read, 0) as whole
  from pg_stat_xact_user_tables`
type Read = ReadonlyMap<string, { readonly rows: number; readonly whole: number }>

function difference(before: Read, after: Read): Read {
  return new Map(
    [...after].map(([name, { rows, whole }]) => {
      const was = before.get(name)
      return [name, { rows: rows - (was?.rows ?? 0), whole: whole - (was?.whole ?? 0) }]
    }),
  )
}

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

/** Rows of tables and indexes that the plan has read. */
function rowsOf(nodes: readonly Node[]): number {
  const scans = nodes.filter(node => node['Node Type'].endsWith('Scan') && node['Relation Name'] !== undefined)
  const each = scans.map(
    node =>
      (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) *
      node['Actual Loops'],
  )
  return Math.ceil(each.reduce((sum, rows) => sum + rows, 0))
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (value instanceof Date) return `'${value.toISOString()}'`
  if (Buffer.isBuffer(value)) return `'\\x${value.toString('hex')}'`
  if (Array.isArray(value)) return pg.escapeLiteral(`{${value.map(element).join(',')}}`)
  return pg.escapeLiteral(String(value))
}

function element(value: unknown): string {
  if (value === null) return 'null'
  if (Buffer.isBuffer(value)) return `"\\\\x${value.toString('hex')}"`
  const text = value instanceof Date ? value.toISOString() : String(value)
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** Explains statements while `during` runs a function. */
export class Explainer {
  readonly #found = new Map<string, Explained>()
  readonly #query = pg.Client.prototype.query
  readonly #busy = new WeakSet<object>()
  readonly #inTransaction = new WeakSet<object>()
  #during: string | null = null

  constructor() {
    const explain = (client: pg.Client, asked: readonly unknown[]) => this.#before(client, asked)
    const { query } = pg.Client.prototype
    Reflect.set(pg.Client.prototype, 'query', function (this: pg.Client, ...asked: unknown[]) {
      const before = explain(this, asked)
      return before === null ? Reflect.apply(query, this, asked) : before.then(() => Reflect.apply(query, this, asked))
    })
  }

  /** Explains every statement that is sent until `work` is done. */
  async during(name: string, work: () => Promise<unknown>): Promise<void> {
    this.#during = name
    try {
      await work()
    } finally {
      this.#during = null
    }
  }

  /** The worst plan of each statement and kind. */
  found(): readonly Explained[] {
    return [...this.#found.values()]
  }

  #before(client: pg.Client, [asked, given]: readonly unknown[]): Promise<void> | null {
    const text = typeof asked === 'string' ? asked : Reflect.get(Object(asked), 'text')
    if (typeof text !== 'string' || this.#busy.has(client)) return null
    if (/^(begin|start transaction)/.test(text)) this.#inTransaction.add(client)
    if (/^(commit|rollback)$/.test(text)) this.#inTransaction.delete(client)
    const during = this.#during
    if (during === null || !EXPLAINABLE.test(text)) return null
    const values = (typeof asked === 'string' ? given : Reflect.get(Object(asked), 'values')) ?? []
    return this.#explain(client, { text, values: Array.isArray(values) ? values : [], during })
  }

  async #explain(
    client: pg.Client,
    statement: { text: string; values: readonly unknown[]; during: string },
  ): Promise<void> {
    this.#busy.add(client)
    const run = (sql: string): Promise<pg.QueryResult> => Reflect.apply(this.#query, client, [sql])
    try {
      for (const plan of PLANS) {
        const read = async (): Promise<Read> => {
          const { rows } = await run(READ)
          return new Map(rows.map(row => [row.name, { rows: Number(row.rows), whole: Number(row.whole) }]))
        }
        await run(this.#inTransaction.has(client) ? 'savepoint explained' : 'begin')
        try {
          // Otherwise the worst plans would be aborted and missing from the report.
          await run(`set local plan_cache_mode = force_${plan}_plan; set local statement_timeout = 0`)
          await run(`prepare explained as ${statement.text}`)
          const values = statement.values.length === 0 ? '' : `(${statement.values.map(literal).join(', ')})`
          const before = await read()
          const { rows } = await run(`explain (analyze, buffers, format json) execute explained${values}`)
          this.#keep({ ...statement, plan, inside: difference(before, await read()) }, rows[0]['QUERY PLAN'][0].Plan)
        } finally {
          await run(this.#inTransaction.has(client) ? 'rollback to savepoint explained' : 'rollback')
          await run('deallocate explained')
        }
      }
    } finally {
      this.#busy.delete(client)
    }
  }

  #keep(
    { text, plan, during, inside }: { text: string; plan: 'custom' | 'generic'; during: string; inside: Read },
    root: Node & Record<string, unknown>,
  ): void {
    const nodes = nodesOf(root)
    // A function's statements have no visible plans, so the server counts its rows.
    const rows = FUNCTION.test(text) ? [...inside.values()].reduce((sum, one) => sum + one.rows, 0) : rowsOf(nodes)
    const key = `${plan} ${text}`
    if ((this.#found.get(key)?.rows ?? -1) >= rows) return
    const wholeInside = [...inside].flatMap(([table, one]) => (FUNCTION.test(text) && one.whole > 0 ? [table] : []))
    const whole = nodes
      .filter(node => node['Node Type'] === 'Seq Scan' && node['Actual Loops'] > 0)
      .map(node => node['Relation Name'] ?? '')
    const buffers = Number(root['Shared Hit Blocks'] ?? 0) + Number(root['Shared Read Blocks'] ?? 0)
    this.#found.set(key, { text, plan, rows, buffers, whole: [...new Set([...whole, ...wholeInside])], during })
  }
}
