/**
 * The rules that refuse a role: one for each role item of the checklist, from the facts to the finding and its fix.
 *
 * A role is judged by what it can become. Rules only report; the role policy in `role-findings.ts` decides whether to
 * refuse.
 */

import type { RoleFacts } from '#server/domain/checks/probe.ts'
import { counted } from '#shared/base/counted.ts'
import type { DirectItem } from '#shared/checks/items.ts'
import { among, quotedList } from './quoted-names.ts'
import { giveFunctions, revokeCatalogs, revokeFileFunctions, revokeParameters, revokeServers } from './rights-fixes.ts'
import { type MendedRole, takeAttribute } from './role-fixes.ts'
import { SYSTEM_PARAMETERS } from './system-names.ts'

/** A checklist item about the role. */
export type RoleItem = Extract<DirectItem, `role_${string}`>

/** One defect of a role: the finding, in our words around quoted names, and its fix. */
export interface RoleFinding {
  readonly actual: string
  /** The SQL that fixes it; null if only another role helps. */
  readonly sql: string | null
  /** True if another role also fixes it. Another role can still do everything that PUBLIC may do. */
  readonly isOfRole?: boolean
  /** Advice to read before creating another role. */
  readonly notes?: readonly string[]
}

type Rule = (facts: RoleFacts, subject: MendedRole) => RoleFinding[]

/** Before 16, CREATEROLE can grant itself any role that is not a superuser's, including `pg_execute_server_program`. */
const CREATEROLE_TAMED = 160_000

const RULES: Readonly<Record<RoleItem, Rule>> = {
  role_superuser: facts =>
    found(facts.superuser, {
      actual: isSwitched(facts) ? 'a superuser, which set role none restores' : 'a superuser',
      sql: null,
    }),
  role_bypassrls: (facts, subject) =>
    found(facts.bypassRls, { actual: 'has BYPASSRLS', ...ownAttribute(facts, subject, 'bypassrls') }),
  role_membership: actsAsOthers,
  role_server_files: actsAsServer,
  role_replication: (facts, subject) => attributeRule(facts, subject, 'replication'),
  role_createrole: (facts, subject) =>
    facts.serverVersionNum < CREATEROLE_TAMED ? attributeRule(facts, subject, 'createrole') : [],
  role_provider_admin: ({ providerAdminRoles: roles }) =>
    found(roles.length > 0, { actual: `is, or is a member of, ${quotedList(roles)}`, sql: null }),
  role_row_security: ({ tables: { ownedRlsNotForced: count }, ownerBypassTables }) =>
    found(count > 0, {
      actual: `owns ${counted(count, 'table')} whose row security does not bind the owner${among(ownerBypassTables, count)}`,
      sql: null,
      notes: [
        'Forcing row security on the owner would fix it too, and would hide every row that no policy shows from everything else',
        'that logs in as the owner, including the application: use alter table … force row level security only if nothing does.',
      ],
    }),
}

/** The defects of the role for one item. */
export function roleFindings(item: RoleItem, facts: RoleFacts, subject: MendedRole): RoleFinding[] {
  return RULES[item](facts, subject)
}

/** True if the role policy governs the item. */
export function isRoleItem(item: DirectItem): item is RoleItem {
  return Object.hasOwn(RULES, item)
}

/** True if `alter role … set role` makes the login act as another role. */
export function isSwitched(facts: RoleFacts): boolean {
  return facts.sessionUser !== facts.currentUser
}

/** The finding, if it applies. */
function found(applies: boolean, finding: RoleFinding): RoleFinding[] {
  return applies ? [finding] : []
}

/** Through memberships, code that they run, their password verifiers, or a server with their password. */
function actsAsOthers(facts: RoleFacts, subject: MendedRole): RoleFinding[] {
  const { superuserVia, bypassRlsVia, eventTriggerFunctions: events } = facts
  const { verifierCatalogs: catalogs, publicMappingServers: servers } = facts
  const privileged = [
    ...(superuserVia.length > 0 ? [`${quotedList(superuserVia)}, a superuser`] : []),
    ...(bypassRlsVia.length > 0 ? [`${quotedList(bypassRlsVia)}, with BYPASSRLS`] : []),
  ]
  return [
    ...found(privileged.length > 0, { actual: `can become or act as ${privileged.join('; ')}`, sql: null }),
    ...found(events.count > 0, {
      actual: `owns ${counted(events.count, 'function')} that event triggers run with the rights of the role that changes the schema${among(events.names, events.count)}`,
      sql: giveFunctions(events),
      isOfRole: true,
    }),
    ...found(catalogs.length > 0, {
      actual: `may read the password verifiers of all roles in ${quotedList(catalogs)}`,
      sql: revokeCatalogs(subject, catalogs),
    }),
    ...found(servers.length > 0, {
      actual: `may use ${quotedList(servers)}, a foreign server of a superuser, with the password that is stored there for PUBLIC`,
      sql: revokeServers(subject, servers),
    }),
  ]
}

/** Through roles, functions, or parameters. */
function actsAsServer(facts: RoleFacts, subject: MendedRole): RoleFinding[] {
  const { serverFileRoles: roles, serverFileFunctions: functions } = facts
  const parameters = facts.alterableParameters.filter(name => SYSTEM_PARAMETERS.some(one => one === name))
  return [
    // A function may be granted to PUBLIC: a new role could then call it too.
    ...found(functions.length > 0, {
      actual: `may call ${quotedList(functions)}`,
      sql: revokeFileFunctions(subject, functions),
    }),
    ...found(parameters.length > 0, {
      actual: `may run commands or load libraries as the server, by alter system on ${quotedList(parameters)}`,
      sql: revokeParameters(subject, parameters, ['ALTER SYSTEM']),
    }),
    ...found(roles.length > 0, { actual: `can act as ${quotedList(roles)}`, sql: null }),
  ]
}

function attributeRule(facts: RoleFacts, subject: MendedRole, attribute: 'replication' | 'createrole'): RoleFinding[] {
  const own = attribute === 'replication' ? facts.replication : facts.createRole
  const via = attribute === 'replication' ? facts.replicationVia : facts.createRoleVia
  const actual = `${own ? 'has' : `can act as ${quotedList(via)}, with`} ${attribute.toUpperCase()}`
  const mend = via.length === 0 ? ownAttribute(facts, subject, attribute) : { sql: null }
  return found(own || via.length > 0, { actual, ...mend })
}

/**
 * Removing one attribute does not fix a superuser, and removing one from a server's first role would harm its owner.
 */
function ownAttribute(facts: RoleFacts, subject: MendedRole, attribute: 'bypassrls' | 'replication' | 'createrole') {
  return { sql: facts.superuser ? null : takeAttribute(subject, attribute), isOfRole: true }
}
