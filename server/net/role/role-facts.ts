/**
 * Reads the facts about a login from the catalog, and parses the answers strictly.
 *
 * The statements expect a read-only transaction whose `search_path` is pinned to `pg_catalog, pg_temp`: a database's
 * owner can plant look-alike catalogs and operators (CVE-2018-1058). Called by `probe.ts`; judged in `domain`.
 */
import type { z } from 'zod'
import type { Found, RoleFacts } from '#server/domain/checks/probe.ts'
import { PROVIDER_ADMIN_ROLES } from '#server/domain/checks/provider.ts'
import {
  SERVER_FILE_ROLES,
  STATISTICS_ROLES,
  VERIFIER_CATALOGS,
  WHOLE_DATABASE_ROLES,
} from '#server/domain/checks/role/system-names.ts'
import { CODE_FACTS_SQL } from './code-facts-sql.ts'
import { GLANCE_ROWS, GLANCE_SQL } from './glance-sql.ts'
import { RELATION_FACTS_SQL } from './relation-facts-sql.ts'
import {
  CodeAnswer,
  Glance,
  ParameterAnswer,
  RelationAnswer,
  RoleAnswer,
  readAnswer,
  SecretAnswer,
} from './role-answers.ts'
import { PARAMETER_FACTS_SQL, ROLE_FACTS_SQL } from './role-facts-sql.ts'
import { SECRET_FACTS_SQL } from './secret-facts-sql.ts'
import { type DisplayedNames, withholding } from './withheld-names.ts'

type Row = readonly (string | null)[]

/** The first version in which parameters can be granted. */
const GRANTED_PARAMETERS = 150_000

/** The statements that follow a glance, in the order in which `parseRoleFacts` takes their answers. */
export function factStatements(serverVersionNum: number): string[] {
  const statements = [ROLE_FACTS_SQL, RELATION_FACTS_SQL, CODE_FACTS_SQL, SECRET_FACTS_SQL]
  return serverVersionNum >= GRANTED_PARAMETERS ? [...statements, PARAMETER_FACTS_SQL] : statements
}

/**
 * Reads what the login is: in one round trip if there is nothing special, else in two.
 *
 * `ask` runs statements in one message and returns the rows of each; its errors pass through. `secret` is the password:
 * names that contain it are withheld. Null if the answer cannot be trusted.
 */
export async function readRoleFacts(
  ask: (statements: readonly string[]) => Promise<readonly (readonly Row[])[]>,
  secret = '',
): Promise<RoleFacts | null> {
  const [rows] = await ask([GLANCE_SQL])
  const glance = Glance.safeParse(rows).data
  if (glance === undefined) return null
  const plain = unremarkable(glance)
  if (plain !== null) return plain
  const [version] = glance[0] ?? [0] // at least one row exists
  const answers = await ask(factStatements(version))
  return parseRoleFacts(answers.map(onlyText), secret)
}

/**
 * Parses the answers to `factStatements`, in their order.
 *
 * Returns null, which means `facts_unreadable`, for anything that those statements cannot produce.
 */
export function parseRoleFacts(texts: readonly (string | null)[], secret = ''): RoleFacts | null {
  const [roleText, relationText, codeText, secretText, ...rest] = texts
  const role = readAnswer(RoleAnswer, roleText ?? null)
  const relations = readAnswer(RelationAnswer, relationText ?? null)
  const code = readAnswer(CodeAnswer, codeText ?? null)
  const secrets = readAnswer(SecretAnswer, secretText ?? null)
  if (role === null || relations === null || code === null || secrets === null) return null
  if (rest.length !== (role.version >= GRANTED_PARAMETERS ? 1 : 0)) return null
  const parameters = rest.length === 0 ? [] : readAnswer(ParameterAnswer, rest[0] ?? null)
  const own = role.roles.find(([name]) => name === role.session)
  if (parameters === null || own === undefined || role.unforced > role.owned) return null
  const displayed = withholding(secret)
  return {
    ...roleFacts(role, own, displayed),
    ...relationFacts(relations, displayed),
    ...secretFacts(secrets, displayed),
    eventTriggerFunctions: found(code.evented, code.evented_names, displayed),
    calledFunctions: found(code.called, code.called_names, displayed),
    settableParameters: displayed.only(parameters.map(([name]) => name)),
    alterableParameters: displayed.only(parameters.filter(([, alters]) => alters).map(([name]) => name)),
  }
}

type GlanceRow = z.infer<typeof Glance>[number]
type ReachedRole = z.infer<typeof RoleAnswer>['roles'][number]
type Names = z.infer<typeof RelationAnswer>['view_names']

function found(count: number, names: Names, displayed: DisplayedNames): Found {
  return { count, names: displayed.qualified(names) }
}

function roleFacts(answer: z.infer<typeof RoleAnswer>, own: ReachedRole, displayed: DisplayedNames) {
  const others = answer.roles.filter(([name]) => name !== answer.session)
  const having = (attribute: number) => [
    ...new Set(others.filter(role => role[attribute]).map(([name]) => displayed.one(name))),
  ]
  const named = (names: readonly string[]) => names.filter(name => answer.roles.some(([reached]) => reached === name))
  const [, superuser, bypassRls, createRole, createDb, replication] = own
  return {
    serverVersionNum: answer.version,
    sessionUser: answer.session,
    currentUser: answer.current,
    actingBy: answer.acting,
    ...{ superuser, bypassRls, createRole, createDb, replication },
    superuserVia: having(1),
    bypassRlsVia: having(2),
    createRoleVia: having(3),
    createDbVia: having(4),
    replicationVia: having(5),
    serverFileRoles: named(SERVER_FILE_ROLES),
    serverFileFunctions: [...new Set(answer.file_functions)],
    wholeDatabaseRoles: named(WHOLE_DATABASE_ROLES),
    statisticsRoles: named(STATISTICS_ROLES),
    providerAdminRoles: named(PROVIDER_ADMIN_ROLES),
    ownsDatabase: answer.owns_database,
    tables: { owned: answer.owned, ownedRlsNotForced: answer.unforced },
    ownerBypassTables: displayed.qualified(answer.unforced_tables),
  }
}

function relationFacts(answer: z.infer<typeof RelationAnswer>, displayed: DisplayedNames) {
  return {
    rlsBypassingViews: found(answer.views, answer.view_names, displayed),
    privilegedDefinerFunctions: found(answer.functions, answer.function_names, displayed),
    unsecuredChildren: found(answer.children, answer.child_names, displayed),
    unsecuredParents: found(answer.parents, answer.parent_names, displayed),
    tableRights: {
      truncate: answer.truncates,
      trigger: answer.triggers,
      names: displayed.qualified(answer.seized_names),
    },
  }
}

function secretFacts(
  { catalogs, functions, servers, mappings }: z.infer<typeof SecretAnswer>,
  displayed: DisplayedNames,
) {
  const isVerifier = (name: string) => VERIFIER_CATALOGS.some(one => one === name)
  return {
    verifierCatalogs: catalogs.filter(isVerifier),
    secretCatalogs: catalogs.filter(name => !isVerifier(name)),
    secretFunctions: functions,
    publicMappingServers: servers.map(displayed.one),
    userMappings: mappings,
  }
}

const NOTHING: Found = { count: 0, names: [] }

/** The facts of a role with nothing but, perhaps, attributes of its own; null if there is more. */
function unremarkable(glance: readonly GlanceRow[]): RoleFacts | null {
  const own = glance.find(([, , isOwn]) => isOwn)
  const isMore = glance.length === GLANCE_ROWS || glance.some(row => row[8])
  if (own === undefined || isMore) return null
  const [version, session, , superuser, bypassRls, createRole, createDb, replication] = own
  return {
    ...{ serverVersionNum: version, sessionUser: session, currentUser: session, actingBy: [] },
    ...{ superuser, bypassRls, createRole, createDb, replication },
    superuserVia: [],
    bypassRlsVia: [],
    createRoleVia: [],
    createDbVia: [],
    replicationVia: [],
    serverFileRoles: [],
    serverFileFunctions: [],
    wholeDatabaseRoles: [],
    statisticsRoles: [],
    // A role may itself be the provider's administrator, without a membership.
    providerAdminRoles: PROVIDER_ADMIN_ROLES.filter(name => name === session),
    ownsDatabase: false,
    tables: { owned: 0, ownedRlsNotForced: 0 },
    ownerBypassTables: [],
    rlsBypassingViews: NOTHING,
    privilegedDefinerFunctions: NOTHING,
    unsecuredChildren: NOTHING,
    unsecuredParents: NOTHING,
    tableRights: { truncate: 0, trigger: 0, names: [] },
    eventTriggerFunctions: NOTHING,
    calledFunctions: NOTHING,
    verifierCatalogs: [],
    secretCatalogs: [],
    secretFunctions: [],
    publicMappingServers: [],
    userMappings: 0,
    settableParameters: [],
    alterableParameters: [],
  }
}

/** The single value of the single row; null for any other answer. */
function onlyText(rows: readonly Row[]): string | null {
  const [row] = rows
  return rows.length === 1 && row?.length === 1 ? (row[0] ?? null) : null
}
