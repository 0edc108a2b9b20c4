/**
 * The rules that refuse a role: one for each role item of the checklist, from the facts to the finding and its fix.
 *
 * A role is what it can become. Rules say only what is; whether that refuses is the role policy's, in `role-findings.ts`.
 */

import type { RoleFacts } from '#server/domain/checks/probe.ts'
import { counted } from '#shared/base/counted.ts'
import type { DirectItem } from '#shared/checks/items.ts'
import { giveFunctions, revokeCatalogs, revokeFileFunctions, revokeParameters, revokeServers } from './rights-fixes.ts'
import { type MendedRole, takeAttribute } from './role-fixes.ts'
import { SYSTEM_PARAMETERS } from './system-names.ts'
import { among, quotedList } from './words.ts'

/** An item of the checklist that is about the role. */
export type RoleItem = Extract<DirectItem, `role_${string}`>

/** One thing that is wrong with a role: what was found, in our words around quoted names, and what mends it. */
export interface RoleFinding {
  readonly actual: string
  /** SQL that mends it; null where another role is what helps. */
  readonly sql: string | null
  /** Whether another role mends it too. Another role may also do everything that PUBLIC may do. */
  readonly isOfRole?: boolean
  /** Advice for people before they make another role. */
  readonly notes?: readonly string[]
}

type Rule = (facts: RoleFacts, subject: MendedRole) => RoleFinding[]

/** Before 16, CREATEROLE grants itself any role that is no superuser's, `pg_execute_server_program` among them. */
const CREATEROLE_TAMED = 160_000

const RULES: Readonly<Record<RoleItem, Rule>> = {
  role_superuser: facts =>
    found(facts.superuser, {
      actual: isSwitched(facts) ? 'a superuser, whom set role none brings back' : 'a superuser',
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
        'To force row security on its owner would mend it too, and take every row that no policy shows from whatever else',
        'logs in as the owner, the application among it: alter table … force row level security only where nothing does.',
      ],
    }),
}

/** The defect of the role for one item. */
export function roleFindings(item: RoleItem, facts: RoleFacts, subject: MendedRole): RoleFinding[] {
  return RULES[item](facts, subject)
}

/** Whether an item is one of those that the role policy governs. */
export function isRoleItem(item: DirectItem): item is RoleItem {
  return Object.hasOwn(RULES, item)
}

/** Whether `alter role … set role` makes the login look like another. */
export function isSwitched(facts: RoleFacts): boolean {
  return facts.sessionUser !== facts.currentUser
}

/** The finding, where it applies. */
function found(applies: boolean, finding: RoleFinding): RoleFinding[] {
  return applies ? [finding] : []
}

/** By membership, by code that they run, by their password verifiers, or over a server with their password. */
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

/** By roles, by functions, or by parameters. */
function actsAsServer(facts: RoleFacts, subject: MendedRole): RoleFinding[] {
  const { serverFileRoles: roles, serverFileFunctions: functions } = facts
  const parameters = facts.alterableParameters.filter(name => SYSTEM_PARAMETERS.some(one => one === name))
  return [
    // A function may be granted to all: then a new role would have it too.
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

/** A superuser is not mended by taking one attribute, and taking one from a server's first role would harm its owner. */
function ownAttribute(facts: RoleFacts, subject: MendedRole, attribute: 'bypassrls' | 'replication' | 'createrole') {
  return { sql: facts.superuser ? null : takeAttribute(subject, attribute), isOfRole: true }
}
