/**
 * A role is what it can become: every way in which a role is stronger than it looks, on every supported version of a
 * real server, through the real dialler. After each refusal, the test runs the printed fix, and the role passes.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PASSWORD_PLACEHOLDER } from '#server/domain/checks/role/role-sql.ts'

import { factStatements, parseRoleFacts } from '#server/net/role/role-facts.ts'
import { type VerifiedLogin, verifyLogin } from '#test/support/checks/judged-login.ts'

import { type RoleCase, SHOP_SQL } from '#test/support/checks/role-case.ts'
import { SAFE_ROLES } from '#test/support/checks/safe-roles.ts'
import { UNSAFE_ROLES } from '#test/support/checks/unsafe-roles.ts'
import { databaseUrl, installedMajors, query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { triedMajors } from '#test/support/database/whole.ts'

const PASSWORD = 'correct-horse-7-battery'

it('is tried on every version from 13 to 18 on Linux', () => {
  const isCovered = process.platform === 'linux' && process.arch === 'x64'
  expect(installedMajors()).toEqual(isCovered ? [13, 14, 15, 16, 17, 18] : [18])
})

describe.each(triedMajors())('on PostgreSQL %i', major => {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer({ major })
    await server.createDatabase('shop')
    await server.query(SHOP_SQL, 'shop')
  })
  afterAll(() => server?.stop())
  // The fix of one role may have forced it.
  beforeEach(() => server.query('alter table app.secret no force row level security', 'shop'))

  const applies = ({ majors = [13, 18] }: RoleCase) => majors[0] <= major && major <= majors[1]

  async function make({ name, options = '', sql = [] }: Pick<RoleCase, 'name' | 'options' | 'sql'>): Promise<void> {
    const statements = [`create role :me login password '${PASSWORD}' ${options}`, ...sql]
    await server.query(statements.join(';\n').replaceAll(':me', name), 'shop')
  }

  const verified = (user: string): Promise<VerifiedLogin> =>
    verifyLogin({ port: server.port, database: 'shop', user, password: PASSWORD, schema: null })

  /**
   * Runs SQL with the password in place of its placeholder, including in comments; returns the role that it creates, if
   * any.
   */
  async function pasted(sql: string): Promise<string | null> {
    await server.query(sql.replace(PASSWORD_PLACEHOLDER, PASSWORD), 'shop')
    return /create role "([^"]+)"/.exec(sql)?.[1] ?? null
  }
  const drop = (role: string) => server.query(`drop owned by ${role}; drop role ${role}`, 'shop')

  /** Runs the fixes of the failed lines; returns the login to use afterwards. */
  async function mend(found: VerifiedLogin, user: string): Promise<string> {
    const fixes = new Set(found.judgement.checks.flatMap(({ outcome, fix }) => (outcome === 'fail' ? [fix ?? ''] : [])))
    let login = user
    for (const fix of fixes) login = (await pasted(fix)) ?? login
    return login
  }

  describe('refuses, and repairs by the printed fix,', () => {
    it.each(UNSAFE_ROLES.filter(applies))('$what', async role => {
      await make(role)
      const found = await verified(role.name)
      expect(found.failing).toEqual(role.fails)
      expect(found.judgement).toMatchObject({ outcome: 'refused', reason: 'byo_role_cannot_enforce_rls' })
      expect(JSON.stringify(found.judgement)).not.toContain(PASSWORD)

      const login = await mend(found, role.name)
      const mended = await verified(login)
      expect(mended.failing).toEqual([])
      expect(mended.judgement.outcome).toBe('passed')
      if (login !== role.name) await drop(login)
    })
  })

  /** Runs the SQL of the advisories; returns the login to use afterwards. */
  async function heed({ judgement }: VerifiedLogin, user: string): Promise<string> {
    let login = user
    for (const { item, recommendation } of judgement.advisories) {
      if (item !== 'tls') login = (await pasted(recommendation.slice(recommendation.indexOf('\n')))) ?? login
    }
    return login
  }

  describe('passes, and repairs by the printed advice,', () => {
    it.each(SAFE_ROLES.filter(applies))('$what', async role => {
      await make(role)
      const found = await verified(role.name)
      const { failing, judgement, advised, probe } = found
      expect(failing).toEqual([])
      expect(judgement).toMatchObject({ outcome: 'passed', reason: null, retryable: false })
      expect(advised).toEqual(role.advises)
      expect(probe.facts, 'the glance hides nothing').toEqual(await everyFact(role.name))
      const login = await heed(found, role.name)
      expect((await verified(login)).advised).toEqual([])
      if (login !== role.name) await drop(login)
    })
  })

  /** The answer of the full statements, without a quick query first. */
  async function everyFact(user: string) {
    const url = new URL(databaseUrl(server.adminUrl, 'shop'))
    Object.assign(url, { username: user, password: PASSWORD })
    const texts = []
    for (const sql of factStatements(major * 10_000)) {
      const [row] = await query(url.href, `begin read only; set local search_path = pg_catalog, pg_temp; ${sql}`)
      texts.push(String(Object.values(row ?? {})[0]))
    }
    return parseRoleFacts(texts)
  }

  it('counts the views and functions that read with privileged rights, and prints the fix', async () => {
    await make({ name: 'looker', options: 'noinherit', sql: ['create role lookers nologin', 'grant lookers to :me'] })
    await server.query(EYES_SQL, 'shop')
    const before = await verified('looker')
    expect(before.judgement.outcome).toBe('passed')
    expect(before.probe.facts).toMatchObject({
      rlsBypassingViews: { count: 2, names: ['"eyes"."by_column"', '"eyes"."bypassing"'] },
      privilegedDefinerFunctions: { count: 3 },
    })
    expect(before.advised).toEqual(['rls_bypassing_views', 'privileged_functions'])

    expect(await heed(before, 'looker')).toBe('looker')
    expect((await verified('looker')).advised).toEqual([])
    await server.query('drop schema eyes cascade', 'shop')
  })

  it('queries the real catalog even when the database’s owner has planted another', async () => {
    await make({ name: 'decoyed', options: 'bypassrls' })
    await server.query(DECOY_SQL, 'shop')
    expect((await verified('decoyed')).failing).toEqual(['role_bypassrls'])
    await server.query('alter role decoyed reset search_path; drop schema decoy cascade', 'shop')
  })

  // Before 14 this role does not exist.
  if (major >= 14)
    it('counts the owner of the database as a member of pg_database_owner', async () => {
      await make({ name: 'landlord' })
      await server.query('alter table app.secret owner to pg_database_owner', 'shop')
      expect((await verified('landlord')).failing).toEqual([])
      await server.query('alter database shop owner to landlord', 'shop')
      expect((await verified('landlord')).failing).toEqual(['role_row_security'])
      await server.query('alter database shop owner to postgres; alter table app.secret owner to shop_owner', 'shop')
    })
})

/**
 * A view and a function of the superuser, and others that do not count: of an extension, of other owners, not granted.
 */
const EYES_SQL = `
create schema eyes;
create view eyes.bypassing as select id from app.secret;
create view eyes.hidden as select id from app.secret;
create view eyes.of_extension as select id from app.secret;
alter extension plpgsql add view eyes.of_extension;
create view eyes.by_column as select id, tenant from app.secret;
grant select on eyes.bypassing, eyes.of_extension, app.harmless to looker;
grant select (id) on eyes.by_column to looker;
create procedure eyes.procedure() language sql security definer as 'delete from app.secret';
create function eyes.of_group() returns bigint language sql security definer as 'select 1::bigint';
revoke execute on function eyes.of_group() from public;
grant execute on function eyes.of_group() to lookers;
create function eyes.definer() returns bigint language sql security definer as 'select count(*) from app.secret';
create function eyes.not_granted() returns bigint language sql security definer as 'select 1::bigint';
create function eyes.invoker() returns bigint language sql as 'select 1::bigint';
revoke execute on function eyes.not_granted() from public;
do $$ begin
  if current_setting('server_version_num')::int >= 150000 then
    create view eyes.invoking with (security_invoker = on) as select id from app.secret;
    grant select on eyes.invoking to looker;
  end if;
end $$;`

/** Look-alikes that claim that no role has any right (CVE-2018-1058). */
const DECOY_SQL = `
create schema decoy;
create view decoy.pg_roles as
  select oid, rolname, false as rolsuper, false as rolbypassrls, false as rolcreaterole, false as rolcreatedb, false as rolreplication
  from pg_catalog.pg_roles;
create function decoy.json_build_array(variadic "any") returns json language internal as 'json_build_array_noargs';
create function decoy.no(name, name) returns boolean language sql as 'select true';
create operator decoy.<> (leftarg = name, rightarg = name, function = decoy.no);
create operator decoy.= (leftarg = name, rightarg = name, function = decoy.no);
grant usage on schema decoy to public;
alter role decoyed set search_path = decoy, pg_catalog;`
