/**
 * One verification dial: finds out whether a database exists, is secured and accepts the login, what the login's role
 * can do, and whether it may use the schema. It makes no judgements.
 *
 * Runs in a dialling process. Judged by `domain/verification.ts`.
 */
import type { Probe } from '#server/domain/checks/probe.ts'
import { repeating } from '#server/domain/checks/withheld.ts'
import { readRoleFacts } from '#server/net/role/role-facts.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import { isPrintable } from '#shared/base/printable.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import { PROBE_LIMITS } from './frame-gate.ts'
import type { Session } from './session.ts'
import type { Row } from './simple-query.ts'
import { type SessionDeps, withSession } from './with-session.ts'

/** A request for a probe. */
export interface ProbeRequest {
  readonly target: Target
  /** One or more certificates as PEM; null for Node's roots. */
  readonly caCertificate: string | null
  /** True if the password may be sent as MD5 under that certificate; false by default. */
  readonly md5Allowed?: boolean
  /** A schema that should be usable; null if none was requested. */
  readonly schema: string | null
  /** Addresses, as `address|port`, that must not be dialled for now; none by default. */
  readonly avoid?: readonly string[]
  /** The deadline of the whole dial. */
  readonly deadlineMs: number
}

/** Dials a database and reads the facts about its login. Throws only for a bug in our own code. */
export async function probeDatabase(request: ProbeRequest, surroundings: SessionDeps): Promise<Probe> {
  const { target, caCertificate, md5Allowed = false, schema, deadlineMs } = request
  const dial = { target, caCertificate, md5Allowed, avoid: request.avoid ?? [], deadlineMs, limits: PROBE_LIMITS }
  const seen: Seen = { schemaUsable: null, backends: [], isStandby: null }
  const { result: facts, ...end } = await withSession(dial, surroundings, async session => {
    const found = await readRoleFacts(asking(session, schema, seen), target.password)
    if (found === null) throw new SessionError('facts_unreadable')
    if (schema !== null && seen.schemaUsable === false)
      seen.schemas = await otherSchemas(session, { schema, secret: target.password })
    if (seen.backends.length < 2) noteBackend(seen, (await session.query(BACKEND_SQL)).at(-1))
    return found
  })
  const { schemaUsable, schemas, isStandby, backends } = seen
  return { ...end, facts, schemaUsable, schemas, isStandby, isTransactionPooled: new Set(backends).size > 1 }
}

/** Observations other than the role's facts. */
interface Seen {
  schemaUsable: boolean | null
  schemas?: Probe['schemas']
  /** The server process of each transaction: behind a transaction pooler they may differ. */
  readonly backends: string[]
  isStandby: boolean | null
}

const BACKEND_SQL = 'select pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery()'

/**
 * Returns a function that runs statements, together with our own in the same message: each dial would feel another
 * round trip.
 */
function asking(session: Session, schema: string | null, seen: Seen) {
  let isFirst = true
  return async (statements: readonly string[]): Promise<Row[][]> => {
    const first = isFirst ? [schema === null ? PUBLIC_SCHEMA_SQL : usableSchemaSql(schema)] : []
    isFirst = false
    const results = await session.query([...first, ...statements, BACKEND_SQL].join(';\n'))
    if (first.length > 0) noteSchema(seen, schema, results.shift())
    noteBackend(seen, results.pop())
    return results
  }
}

function noteSchema(seen: Seen, schema: string | null, rows: readonly Row[] | undefined): void {
  const isTrue = rows?.length === 1 && rows[0]?.[0] === 't'
  if (schema === null) seen.schemas = { isThere: isTrue, usable: [] }
  else seen.schemaUsable = isTrue
}

function noteBackend(seen: Seen, rows: readonly Row[] | undefined): void {
  const [pid, isStandby] = rows?.[0] ?? []
  if (typeof pid === 'string' && /^[0-9]{1,10}$/.test(pid)) seen.backends.push(pid)
  if (isStandby === 't' || isStandby === 'f') seen.isStandby = isStandby === 't'
}

/** Checks for the schema that is suggested if none was named. */
const PUBLIC_SCHEMA_SQL = "select pg_catalog.to_regnamespace('public') is not null"

/**
 * Checks whether a schema with this name exists and the role has USAGE on it; a plain name is looked up without a scan.
 * Of any other name, only hex digits reach the SQL. The comparison uses UTF-8, so that a name which the database's
 * encoding cannot represent is a missing schema, not an error.
 */
function usableSchemaSql(schema: string): string {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    return `select pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('"${schema}"'), 'usage')`
  return `select pg_catalog.has_schema_privilege(n.oid, 'usage')
from pg_catalog.pg_namespace n
where ${isNamed(schema)}`
}

function isNamed(schema: string): string {
  const hex = Buffer.from(schema, 'utf8').toString('hex')
  return `pg_catalog.convert_to(n.nspname::pg_catalog.text, 'UTF8') = pg_catalog.decode('${hex}', 'hex')`
}

/** Enough schema names to find one's own among them. */
const MAX_SCHEMAS = 5

/**
 * The usable schemas, if the requested one is not usable. The names come from a stranger: those that repeat the secret
 * are omitted.
 */
async function otherSchemas(
  session: Session,
  { schema, secret }: { readonly schema: string; readonly secret: string },
): Promise<Probe['schemas']> {
  const sql = `select n.nspname, ${isNamed(schema)}
from pg_catalog.pg_namespace n
where ${isNamed(schema)}
  or (n.oid >= 16384 or n.nspname = 'public') and pg_catalog.has_schema_privilege(n.oid, 'usage')
order by 2 desc, 1
limit ${MAX_SCHEMAS + 1}`
  const rows = (await session.query(sql)).at(-1) ?? []
  const repeats = repeating(secret)
  const isDisplayable = (name: string) => isPrintable(name) && Buffer.byteLength(name) < 64 && !repeats(name)
  const usable = rows.flatMap(([name, isAsked]) =>
    isAsked === 'f' && typeof name === 'string' && isDisplayable(name) ? [name] : [],
  )
  return { isThere: rows[0]?.[1] === 't', usable: usable.slice(0, MAX_SCHEMAS) }
}
