/**
 * The content of Mooring's own database as text: all of it for a search, and the part that a refusal must not change.
 */
import pg from 'pg'

/** Each table with its rows as PostgreSQL prints them; `bytea` as hex digits. */
export type Rows = Readonly<Record<string, readonly string[]>>

/** Every row of every table of the database, including tables that are not ours. */
export async function allRows(url: string): Promise<Rows> {
  return reading(url, async client => {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema') order by 1`,
    )
    const found: Record<string, string[]> = {}
    for (const { name } of tables.rows) found[name] = await rowsOf(client, name)
    return found
  })
}

// A refused request may be recorded and is counted, a presented key is marked as used, and processes write their
// heartbeats and the retention claim: none of these is an effect. The time at which a credential was first seen as
// retired belongs to upkeep; its state is an effect.
const NO_EFFECT = ['public.audit_events', 'public.rate_limits', 'public.processes', 'public.upkeep']
const LAST_USED = " - 'last_used_at'"
const SEEN_RETIRED = " - 'retired_at'"

/** Every row that a request can affect. Equal before and after: no effect. */
export function effects(url: string): Promise<Rows> {
  return reading(url, effectsOver)
}

/** Reads the rows over an open connection, for tests that compare them very often. */
export async function effectsOver(client: pg.Client): Promise<Rows> {
  const tables = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = 'public' order by 1`,
  )
  const names = tables.rows.map(table => table.name).filter(name => !NO_EFFECT.includes(name))
  const each = names.map(
    name =>
      `select '${name}' as name, (to_jsonb(t)${LAST_USED}${name === 'public.credentials' ? SEEN_RETIRED : ''})::text as text from ${name} t`,
  )
  const { rows } = await client.query<{ name: string; text: string }>(`${each.join(' union all ')} order by 1, 2`)
  return Object.fromEntries(names.map(name => [name, rows.filter(row => row.name === name).map(row => row.text)]))
}

const SHOWN = 200

/** Added (`+`) and deleted (`-`) rows, truncated; only those that `counts`. Empty when nothing has changed. */
export function difference(before: Rows, after: Rows, counts = (_line: string) => true): string[] {
  const lines = (rows: Rows) =>
    Object.entries(rows).flatMap(([table, texts]) => texts.map(text => `${table} ${text}`).filter(counts))
  const [old, now] = [new Set(lines(before)), new Set(lines(after))]
  return [
    ...[...now].filter(line => !old.has(line)).map(line => `+ ${line.slice(0, SHOWN)}`),
    ...[...old].filter(line => !now.has(line)).map(line => `- ${line.slice(0, SHOWN)}`),
  ]
}

async function rowsOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ text: string }>(`select to_jsonb(t)::text as text from ${table} t order by 1`)
  return rows.map(row => row.text)
}

async function reading<T>(url: string, read: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await read(client)
  } finally {
    await client.end()
  }
}
