/**
 * Everything that one organization has in our own database, in a form that is equal for two organizations that did the
 * same: identifiers, times, hashes and sealed bytes are masked, everything else is compared.
 */
import pg from 'pg'

/** Sorted lines, each with a table's name and a row. */
export type State = readonly string[]

/** Tables that hold no effects of a call: counters, and the claims of processes. */
const NO_EFFECT = new Set(['rate_limits', 'processes', 'upkeep', 'dial_budgets', 'installation', 'tokens'])
/** Columns that count or time attempts, which differ if an attempt failed. */
const OF_ATTEMPTS = new Set([
  'took_ms',
  'latest_took_ms',
  'tookMs',
  'latency_ms',
  'last_used_at',
  'last4',
  'epoch',
  'token',
  'reached',
  'reached_by',
  'xid',
])
/** Columns that upkeep dates and polls count on a schedule of their own, before the end of the story or after it. */
const OF_SCHEDULE: Readonly<Record<string, string>> = { credentials: 'retired_at', feeds: 'pages' }

/** Reads the state over an open connection. */
export async function stateOf(client: pg.Client, organizationId: string): Promise<State> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
     where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace order by 1`,
  )
  const lines: string[] = []
  for (const { name } of tables.filter(table => !NO_EFFECT.has(table.name))) {
    const { rows } = await client.query(
      `select to_jsonb(t) as row from ${pg.escapeIdentifier(name)} t where org_id = $1`,
      [organizationId],
    )
    lines.push(...rows.map(({ row }) => lineOf(name, row)))
  }
  return lines.toSorted()
}

/** Reads the state of the whole database. */
export async function stateOfAll(client: pg.Client): Promise<State> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relkind in ('r', 'p') and not relispartition
       and relnamespace = 'public'::regnamespace order by 1`,
  )
  const lines: string[] = []
  for (const { name } of tables.filter(table => !NO_EFFECT.has(table.name))) {
    const { rows } = await client.query(`select to_jsonb(t) as row from ${pg.escapeIdentifier(name)} t`)
    lines.push(...rows.map(({ row }) => lineOf(name, row)))
  }
  return lines.toSorted()
}

function lineOf(table: string, row: Record<string, unknown>): string {
  const { [OF_SCHEDULE[table] ?? '']: _, ...rest } = row
  return `${table} ${JSON.stringify(masked(rest))}`
}

/** Masks the parts of a value that differ between two installations that did the same. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value === 'string') return maskedText(value)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name, inner]) => !OF_ATTEMPTS.has(name) && !isSerial(name, inner))
  return Object.fromEntries(entries.map(([name, inner]) => [name, masked(inner)]))
}

/** True for a number from a sequence of the whole database. */
function isSerial(name: string, value: unknown): boolean {
  return name === 'id' && typeof value === 'number'
}

const UUID = /\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b/g
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?/g

function maskedText(text: string): string {
  if (text.startsWith('\\x')) return '<bytes>'
  // Answers stored for a repeat, which contain ids and times.
  const plain = text
    .replaceAll(/_[0-9a-f]{32}\b/g, '_<id>')
    .replaceAll(UUID, '<id>')
    .replaceAll(TIME, '<time>')
  const keys = plain.replaceAll(/\b([a-z]+)-[0-9a-f]{8}\b/g, '$1-<key>')
  // Base64 may begin with a sign that is no part of a word.
  return keys.replaceAll(/(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{40,}=*/g, '<opaque>')
}
