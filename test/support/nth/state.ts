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

/** Reads the state of one organization over an open connection. */
export function stateOf(client: pg.Client, organizationId: string): Promise<State> {
  return stateWhere(client, organizationId)
}

/** Reads the state of the whole database. */
export function stateOfAll(client: pg.Client): Promise<State> {
  return stateWhere(client, null)
}

/** The statement that reads all tables of a database, or the rows of one organization in those that have them. */
const statements = new WeakMap<pg.Client, Promise<string>>()

async function stateWhere(client: pg.Client, organizationId: string | null): Promise<State> {
  const statement = statements.get(client) ?? statementOf(client, organizationId !== null)
  statements.set(client, statement)
  const text = await statement
  const values = organizationId === null ? [] : [organizationId]
  const { rows } = await client.query<{ name: string; row: Record<string, unknown> }>({ name: 'state', text, values })
  return rows.map(({ name, row }) => lineOf(name, row)).toSorted()
}

/** One statement for all tables: a story is too short for a round trip and a plan for each. */
async function statementOf(client: pg.Client, isOfOne: boolean): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class c where relkind in ('r', 'p') and not relispartition
       and relnamespace = 'public'::regnamespace and (not $1 or exists (
         select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id'))`,
    [isOfOne],
  )
  const parts = rows
    .filter(({ name }) => !NO_EFFECT.has(name))
    .map(
      ({ name }) =>
        `select '${name}' as name, to_jsonb(t) as row from ${pg.escapeIdentifier(name)} t${isOfOne ? ' where org_id = $1' : ''}`,
    )
  return parts.join(' union all ')
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
