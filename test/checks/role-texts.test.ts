/**
 * The findings and the advice about a role, word for word and statement for statement, for each fact and each policy.
 * `test/vectors/checks/roles-*.txt` are reviewed like code; `npm run -s vitest -- test/checks/role-texts.test.ts -u`
 * rewrites them. That the statements do what they say is shown on real servers, in `privileges.test.ts`.
 */
import { describe, expect, it } from 'vitest'
import type { Found, RoleFacts } from '#server/domain/checks/probe.ts'
import { PROVIDERS } from '#server/domain/checks/provider.ts'
import { quotedList } from '#server/domain/checks/role/quoted-names.ts'
import { checkRole, type RolePolicy } from '#server/domain/checks/role/role-findings.ts'
import type { MendedRole } from '#server/domain/checks/role/role-fixes.ts'
import { newPasswordSql, newRoleName, roleSql } from '#server/domain/checks/role/role-sql.ts'
import { PLAIN_ROLE } from '#test/support/checks/role-facts.ts'

const SUBJECT: MendedRole = {
  login: 'app',
  provider: 'plain',
  database: 'shop',
  schema: 'sales',
  serverVersionNum: 170_002,
}
const ONE: Found = { count: 1, names: ['"s"."one"'] }
const MANY: Found = { count: 9, names: ['"s"."a"', '"s"."b"', '"s"."c"', '"s"."d"', '"s"."e"', '"s"."f"'] }
const OLD: Partial<RoleFacts> = { serverVersionNum: 150_004 }

interface Case {
  readonly facts: Partial<RoleFacts>
  readonly subject?: Partial<MendedRole>
}

/** Everything that a customer reads about a role. */
function judged({ facts, subject }: Case, policy: RolePolicy): string {
  const whole = { ...PLAIN_ROLE, ...facts }
  const mended = { ...SUBJECT, serverVersionNum: whole.serverVersionNum, ...subject }
  const { lines, advisories } = checkRole(whole, mended, policy)
  return [
    ...[...lines].map(([item, { actual, fix }]) => `${item}: ${actual}\n${fix}`),
    ...advisories.map(({ item, recommendation }) => `advice, ${item}: ${recommendation}`),
  ].join('\n')
}

const sections = (entries: readonly (readonly [string, string])[]) =>
  `${entries.map(([title, text]) => `## ${title}\n${text}\n`).join('\n')}`
const texts = (cases: Readonly<Record<string, Case>>, policy: RolePolicy = 'enforce') =>
  sections(Object.entries(cases).map(([title, one]) => [title, judged(one, policy)] as const))
const file = (name: string) => `../vectors/checks/roles-${name}.txt`

const REFUSED: Readonly<Record<string, Case>> = {
  'a superuser': { facts: { superuser: true } },
  'a superuser that acts as another': { facts: { superuser: true, currentUser: 'app2' } },
  'a superuser with other attributes': { facts: { superuser: true, bypassRls: true, replication: true } },
  BYPASSRLS: { facts: { bypassRls: true } },
  'BYPASSRLS at a provider': { facts: { bypassRls: true }, subject: { provider: 'rds' } },
  'a member of superusers': { facts: { superuserVia: ['dba', 'root'] } },
  'a member of six roles': { facts: { bypassRlsVia: ['a', 'b', 'c', 'd', 'e', 'f"'] } },
  'a member of both': { facts: { superuserVia: ['dba'], bypassRlsVia: ['etl'] } },
  'an owner of one function of an event trigger': { facts: { eventTriggerFunctions: ONE } },
  'an owner of nine functions of event triggers': { facts: { eventTriggerFunctions: MANY } },
  'an owner of such a function, which must be replaced': {
    facts: { eventTriggerFunctions: ONE, superuserVia: ['dba'] },
  },
  'a reader of verifiers': { facts: { verifierCatalogs: ['pg_authid', 'pg_shadow'] } },
  'a user of a foreign server': { facts: { publicMappingServers: ["it's"] } },
  'a caller of file functions': { facts: { serverFileFunctions: ['lo_export', 'pg_read_file'] } },
  'alter system on a command': { facts: { alterableParameters: ['archive_command', 'work_mem'] } },
  'alter system on a harmless parameter': { facts: { alterableParameters: ['work_mem'] } },
  'server files': { facts: { serverFileRoles: ['pg_execute_server_program'] } },
  replication: { facts: { replication: true } },
  'replication through a role': { facts: { replicationVia: ['repl'] } },
  'replication of its own and through a role': { facts: { replication: true, replicationVia: ['repl'] } },
  'CREATEROLE before 16': { facts: { ...OLD, createRole: true } },
  'CREATEROLE through a role before 16': { facts: { ...OLD, createRoleVia: ['admin'] } },
  'the admin of a provider': { facts: { providerAdminRoles: ['rds_superuser'] }, subject: { provider: 'rds' } },
  'an owner of an unforced table': {
    facts: { tables: { owned: 1, ownedRlsNotForced: 1 }, ownerBypassTables: ['"s"."t"'] },
  },
  'an owner of unforced tables': {
    facts: { tables: { owned: 3, ownedRlsNotForced: 2 }, ownerBypassTables: ['"s"."t"'] },
  },
  'two defects that need another role': { facts: { superuser: true, providerAdminRoles: ['doadmin'] } },
  'a defect of the name that a new role would have': {
    facts: { superuser: true },
    subject: { login: 'mooring_reader_shop', schema: null },
  },
}

const ADVISED: Readonly<Record<string, Case>> = {
  nothing: { facts: {} },
  'CREATEROLE from 16 on': { facts: { serverVersionNum: 160_000, createRole: true, createRoleVia: ['admin'] } },
  'CREATEROLE through a role': { facts: { createRoleVia: ['admin'] } },
  CREATEDB: { facts: { createDb: true } },
  'CREATEDB through roles, before 16': { facts: { ...OLD, createDbVia: ['a', 'b'] } },
  'a switch of unknown origin': { facts: { currentUser: 'other' } },
  'a switch by the login': { facts: { currentUser: 'other', actingBy: ['login', 'login_here'] } },
  'a switch by the database': { facts: { currentUser: 'other', actingBy: ['database'] } },
  'a switch by the server': { facts: { currentUser: 'other', actingBy: ['server'] } },
  'all data': { facts: { wholeDatabaseRoles: ['pg_read_all_data'] } },
  'all data but for verifiers': { facts: { wholeDatabaseRoles: ['pg_write_all_data', 'pg_maintain'] } },
  statistics: { facts: { statisticsRoles: ['pg_monitor'] } },
  parameters: { facts: { settableParameters: ['auto_explain.log_level'] } },
  'an owner of a forced table': { facts: { tables: { owned: 1, ownedRlsNotForced: 0 } } },
  'an owner of tables and of the database': {
    facts: { tables: { owned: 2, ownedRlsNotForced: 0 }, ownsDatabase: true },
  },
  'an owner of the database': { facts: { ownsDatabase: true } },
  'an owner of a function that others run': { facts: { calledFunctions: ONE } },
  'an owner of functions that others run': { facts: { calledFunctions: MANY } },
  secrets: { facts: { secretCatalogs: ['pg_subscription'], secretFunctions: ['dblink_connect_u'], userMappings: 1 } },
  'a secret function': { facts: { secretFunctions: ['dblink_connect_u'] } },
  'two user mappings': { facts: { userMappings: 2 } },
}

const UNBOUND: Readonly<Record<string, Case>> = {
  'a view': { facts: { rlsBypassingViews: ONE } },
  views: { facts: { rlsBypassingViews: MANY } },
  'a function': { facts: { privilegedDefinerFunctions: ONE } },
  functions: { facts: { privilegedDefinerFunctions: MANY } },
  'a partition': { facts: { unsecuredChildren: ONE } },
  partitions: { facts: { ...OLD, unsecuredChildren: MANY } },
  'a parent': { facts: { unsecuredParents: ONE } },
  parents: { facts: { unsecuredParents: MANY } },
  truncate: { facts: { tableRights: { truncate: 1, trigger: 0, names: ['"s"."t"'] } } },
  triggers: { facts: { tableRights: { truncate: 0, trigger: 2, names: ['"s"."t"'] } } },
  'truncate and triggers': { facts: { tableRights: { truncate: 1, trigger: 2, names: [] } } },
  'a view, beside an owner of an unforced table': {
    facts: { rlsBypassingViews: ONE, tables: { owned: 1, ownedRlsNotForced: 1 }, ownerBypassTables: ['"s"."t"'] },
  },
}

/** The advisory of each, where the policy does not refuse it. */
const ADVISORY: Readonly<Record<string, string>> = {
  ...{ 'a view': 'rls_bypassing_views', views: 'rls_bypassing_views' },
  ...{ 'a function': 'privileged_functions', functions: 'privileged_functions' },
  ...{ 'a partition': 'role_partitions', partitions: 'role_partitions' },
  ...{ 'a parent': 'role_partitions', parents: 'role_partitions' },
  ...{ truncate: 'role_table_rights', triggers: 'role_table_rights', 'truncate and triggers': 'role_table_rights' },
  'a view, beside an owner of an unforced table': 'rls_bypassing_views',
}

describe('The text about a role', () => {
  it('is a finding with its fix for whatever makes it stronger than row security', async () => {
    await expect(texts(REFUSED)).toMatchFileSnapshot(file('refused'))
  })

  it('is advice with statements for whatever is allowed but worth changing', async () => {
    await expect(texts(ADVISED)).toMatchFileSnapshot(file('advised'))
  })

  it('refuses what bypasses row security under `strict` only, and advises on it under the others', async () => {
    await expect(texts(UNBOUND, 'strict')).toMatchFileSnapshot(file('strict'))
    for (const [title, one] of Object.entries(UNBOUND)) {
      const advice = judged(one, 'enforce')
      expect(advice, title).toContain('Row security does not apply to that.')
      expect(/^advice, (\w+): The role may /.exec(advice.slice(advice.lastIndexOf('advice, ')))?.[1], title).toBe(
        ADVISORY[title],
      )
      expect(judged(one, 'warn'), title).toBe(advice)
    }
  })

  it('is empty about a role that can do nothing special', () => {
    expect(judged({ facts: {} }, 'strict')).toBe('')
  })
})

describe('The SQL of a new role', () => {
  it('is written for each provider, for reading and for writing, with a schema and without', async () => {
    const requests = PROVIDERS.flatMap(provider =>
      [true, false].map(readOnly => ({ provider, readOnly, schema: provider === 'neon' ? null : `it's "x"` })),
    )
    const entries = requests.map(
      one => [`${one.provider}, ${one.readOnly ? 'reading' : 'writing'}`, roleSql(one)] as const,
    )
    const named = { provider: 'plain', readOnly: true, schema: 'a', database: `sh'op`, role: '50%' } as const
    const all = [
      ...entries,
      ['with a name and a database', roleSql(named, ['A note.'])],
      ['a password', newPasswordSql(`a'b`)],
    ] as const
    await expect(sections(all)).toMatchFileSnapshot(file('created'))
  })

  it.each<[boolean, string | undefined, string]>([
    [true, undefined, 'mooring_reader'],
    [false, undefined, 'mooring_writer'],
    [true, 'Shop-1', 'mooring_reader_shop_1'],
    [false, 'é_x', 'mooring_writer___x'],
    [true, 'x'.repeat(60), `mooring_reader_${'x'.repeat(46)}`],
  ])('names it by its purpose and its database: %j, %j', (readOnly, database, name) => {
    expect(newRoleName({ readOnly, database })).toBe(name)
    expect(Buffer.byteLength(`${name}_2`)).toBeLessThanOrEqual(63)
  })
})

it('A list of names shows five, and how many more there are', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  expect(quotedList(names.slice(0, 5))).toBe('"a", "b", "c", "d", "e"')
  expect(quotedList(names)).toBe('"a", "b", "c", "d", "e" and 2 more')
})
