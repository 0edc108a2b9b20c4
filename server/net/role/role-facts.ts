/**
 * What the catalog says of a login: the SQL that asks, and the strict reading of the answer.
 *
 * The statements expect a read-only transaction whose `search_path` is pinned to `pg_catalog, pg_temp`: a database's owner
 * can plant look-alike catalogs and operators (CVE-2018-1058). The answer is a stranger's text: what does not fit the
 * shape is no answer. Called by `probe.ts`; judged in `domain`.
 */
import { z } from 'zod'
import type { RoleFacts } from '#server/domain/checks/probe.ts'
import { PROVIDER_ADMIN_ROLES, SERVER_FILE_ROLES, WHOLE_DATABASE_ROLES } from '#server/domain/checks/provider.ts'
import { repeating } from '#server/domain/checks/withheld.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { GLANCE_ROWS, GLANCE_SQL, PARAMETER_FACTS_SQL, ROLE_FACTS_SQL } from './role-facts-sql.ts'

const MAX_TEXT = 65_536
const MAX_NAME_BYTES = 63
const WITHHELD = '…'

const Name = z.string().refine(text => text !== '' && Buffer.byteLength(text) <= MAX_NAME_BYTES)
const Count = z.int().min(0).max(0x7fff_ffff)
const Version = z
  .string()
  .regex(/^[0-9]{5,7}$/)
  .transform(Number)
/** Superuser, BYPASSRLS, CREATEROLE, CREATEDB, REPLICATION. */
const attributes = [z.boolean(), z.boolean(), z.boolean(), z.boolean(), z.boolean()] as const

const Truth = z.enum(['t', 'f']).transform(text => text === 't')

/** Rows of `GLANCE_SQL`: version, login, whether the row is its own, five attributes, whether there is more. */
const Glance = z
  .array(z.tuple([Version, Name, Truth, Truth, Truth, Truth, Truth, Truth, Truth]))
  .min(1)
  .max(GLANCE_ROWS)

const Answer = z.strictObject({
  version: Version,
  session: Name,
  current: Name,
  roles: z.array(z.tuple([Name, ...attributes])).max(100),
  owned: Count,
  unforced: Count,
  unforced_tables: z.array(z.tuple([Name, Name])).max(20),
  views: Count,
  functions: Count,
  file_functions: z.array(z.string().regex(/^[a-z_]{1,63}$/)).max(20),
})

const Parameters = z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.$]{0,127}$/)).max(50)

type Row = readonly (string | null)[]

/**
 * Asks what the login is, in one round trip where there is nothing to tell, else in two or three.
 *
 * `ask` runs one statement and gives its rows; what it throws passes through. `secret` is the password: a server that
 * was sent one can write it into any name, so that such names are withheld. Null when the answer is not to be trusted.
 */
export async function readRoleFacts(
  ask: (sql: string) => Promise<readonly Row[]>,
  secret = '',
): Promise<RoleFacts | null> {
  const glance = Glance.safeParse(await ask(GLANCE_SQL)).data
  if (glance === undefined) return null
  const plain = unremarkable(glance)
  if (plain !== null) return plain
  const [version] = glance[0] ?? [0] // there is a row at least
  const text = onlyText(await ask(ROLE_FACTS_SQL))
  const parameters = version >= 150_000 ? onlyText(await ask(PARAMETER_FACTS_SQL)) : null
  return text === null ? null : parseRoleFacts(text, parameters, secret)
}

/**
 * Reads the answers to `ROLE_FACTS_SQL` and `PARAMETER_FACTS_SQL`; the latter is null before version 15.
 *
 * Null, which is `facts_unreadable`, for anything that those statements do not give.
 */
export function parseRoleFacts(text: string, parameterText: string | null, secret = ''): RoleFacts | null {
  const answer = parsed(Answer, text)
  const parameters = parameterText === null ? [] : parsed(Parameters, parameterText)
  if (answer === null || parameters === null) return null
  if (answer.version >= 150_000 !== (parameterText !== null)) return null
  const own = answer.roles.find(([name]) => name === answer.session)
  if (own === undefined || answer.unforced > answer.owned) return null
  return facts(answer, { own, parameters, shown: withholding(secret) })
}

type GlanceRow = z.infer<typeof Glance>[number]
type Attributes = z.infer<z.ZodTuple<typeof attributes>>
type ReachedRole = z.infer<typeof Answer>['roles'][number]

function facts(
  answer: z.infer<typeof Answer>,
  found: { own: ReachedRole; parameters: string[]; shown: (name: string) => string },
): RoleFacts {
  const { own, parameters, shown } = found
  const others = answer.roles.filter(([name]) => name !== answer.session)
  const having = (attribute: number) => [
    ...new Set(others.filter(role => role[attribute]).map(([name]) => shown(name))),
  ]
  const named = (names: readonly string[]) => names.filter(name => answer.roles.some(([reached]) => reached === name))
  const [, ...ownAttributes] = own
  return {
    ...heading(answer.version, ownAttributes),
    sessionUser: answer.session,
    currentUser: answer.current,
    superuserVia: having(1),
    bypassRlsVia: having(2),
    createRoleVia: having(3),
    replicationVia: having(5),
    serverFileRoles: named(SERVER_FILE_ROLES),
    serverFileFunctions: [...new Set(answer.file_functions)],
    wholeDatabaseRoles: named(WHOLE_DATABASE_ROLES),
    providerAdminRoles: named(PROVIDER_ADMIN_ROLES),
    tables: { owned: answer.owned, ownedRlsNotForced: answer.unforced },
    ownerBypassTables: answer.unforced_tables
      .filter(names => names.every(name => shown(name) !== WITHHELD))
      .map(names => names.map(quoteName).join('.')),
    rlsBypassingViews: answer.views,
    privilegedDefinerFunctions: answer.functions,
    settableParameters: parameters.filter(name => shown(name) !== WITHHELD),
  }
}

/** The facts of a role that has nothing to it but, perhaps, attributes of its own; null where there is more. */
function unremarkable(glance: readonly GlanceRow[]): RoleFacts | null {
  const own = glance.find(([, , isOwn]) => isOwn)
  const isMore = glance.length === GLANCE_ROWS || glance.some(row => row[8])
  if (own === undefined || isMore) return null
  const [version, session, , superuser, bypassRls, createRole, createDb, replication] = own
  return {
    ...heading(version, [superuser, bypassRls, createRole, createDb, replication]),
    sessionUser: session,
    currentUser: session,
    superuserVia: [],
    bypassRlsVia: [],
    createRoleVia: [],
    replicationVia: [],
    serverFileRoles: [],
    serverFileFunctions: [],
    wholeDatabaseRoles: [],
    // A role may be the provider's administrator by being it, without a membership.
    providerAdminRoles: PROVIDER_ADMIN_ROLES.filter(name => name === session),
    tables: { owned: 0, ownedRlsNotForced: 0 },
    ownerBypassTables: [],
    rlsBypassingViews: 0,
    privilegedDefinerFunctions: 0,
    settableParameters: [],
  }
}

function heading(serverVersionNum: number, [superuser, bypassRls, createRole, createDb, replication]: Attributes) {
  return { serverVersionNum, superuser, bypassRls, createRole, createDb, replication }
}

/** Names as they may be shown: none that a screen would not show as it is, none that repeats the secret. */
function withholding(secret: string): (name: string) => string {
  const repeats = repeating(secret)
  return name => (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(name) || repeats(name) ? WITHHELD : name)
}

/** The one value of the one row; null for any other answer. */
function onlyText(rows: readonly Row[]): string | null {
  const [row] = rows
  return rows.length === 1 && row?.length === 1 ? (row[0] ?? null) : null
}

function parsed<T>(schema: z.ZodType<T>, text: string | null): T | null {
  if (text === null || text.length > MAX_TEXT) return null
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
