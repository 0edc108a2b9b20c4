/**
 * The SQL that is printed for a customer makes a role that passes: pasted into a real server, by a superuser and by the
 * kind of administrator that a provider gives, for names of every kind.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROVIDERS } from '#server/domain/checks/provider.ts'
import { PASSWORD_PLACEHOLDER, type RoleSqlRequest, roleSql } from '#server/domain/checks/role/role-sql.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { verifyLogin } from '#test/support/checks/judged-login.ts'
import { databaseUrl, installedMajors, query, startServer, type TestServer } from '#test/support/database/postgres.ts'

const PASSWORD = 'correct-horse-7-battery'

/** Names that would break out of a careless quotation, a comment or a dollar quote. */
const HARD_NAME = `we"ird\\'s $do$ --\n; $do_$`

describe.each(installedMajors().filter(major => major === 13 || major === 18))('on PostgreSQL %i', major => {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer({ major })
    await server.createDatabase('shop')
    const hard = quoteName(HARD_NAME)
    await server.query(
      `create role keeper login createrole password '${PASSWORD}';
       create schema app authorization keeper; create schema ${hard} authorization keeper;
       grant create on database shop to keeper;
       set role keeper;
       create table app.orders (id int primary key, tenant text);
       create table ${hard}.orders (id int primary key);
       reset role;
       insert into app.orders values (1, 'mooring_reader_shop'), (2, 'another');
       alter table app.orders enable row level security;
       create policy own on app.orders using (tenant = current_user);`,
      'shop',
    )
  })
  afterAll(() => server?.stop())

  const urlOf = (user: string) => {
    const url = new URL(databaseUrl(server.adminUrl, 'shop'))
    Object.assign(url, { username: encodeURIComponent(user), password: PASSWORD })
    return url.href
  }
  const paste = (request: RoleSqlRequest, as = server.adminUrl) =>
    query(
      as === server.adminUrl ? databaseUrl(as, 'shop') : as,
      roleSql(request).replace(PASSWORD_PLACEHOLDER, PASSWORD),
    )
  const verified = (user: string, schema: string) =>
    verifyLogin({ port: server.port, database: 'shop', user, password: PASSWORD, schema })
  const remove = (role: string) =>
    server.query(`drop owned by ${quoteName(role)}; drop role ${quoteName(role)}`, 'shop')

  describe.each(PROVIDERS)('for %s', provider => {
    it.each([true, false])('makes a role that passes without any advice (read only: %s)', async readOnly => {
      await paste({ schema: 'app', provider, readOnly })
      const role = readOnly ? 'mooring_reader' : 'mooring_writer'
      const { judgement, advised } = await verified(role, 'app')
      expect(judgement).toMatchObject({ outcome: 'passed', reason: null })
      expect(judgement.checks.filter(check => check.outcome === 'fail')).toEqual([])
      expect(advised).toEqual([])
      await remove(role)
    })
  })

  it('needs no superuser: an administrator who owns the tables can run it', async () => {
    await paste({ schema: 'app', provider: 'rds', readOnly: true, database: 'shop' }, urlOf('keeper'))
    const { judgement, advised } = await verified('mooring_reader_shop', 'app')
    expect(judgement.outcome).toBe('passed')
    expect(advised).toEqual([])

    await query(urlOf('keeper'), 'create table app.later (id int)')
    expect(await query(urlOf('mooring_reader_shop'), 'select id from app.later')).toEqual([])
    await server.query('drop table app.later', 'shop')
    await remove('mooring_reader_shop')
  })

  it('stops in another database than the one that it names, and leaves no role behind', async () => {
    const sql = roleSql({ schema: 'public', provider: 'plain', readOnly: true, database: 'shop' })
    const url = databaseUrl(server.adminUrl, 'postgres')
    await expect(query(url, sql.replace(PASSWORD_PLACEHOLDER, PASSWORD))).rejects.toThrow('Run this in the database')
    expect(await server.query("select from pg_roles where rolname ~ '^mooring_'")).toEqual([])
  })

  it('makes a reader that row security binds and that cannot write', async () => {
    await paste({ schema: 'app', provider: 'plain', readOnly: true, database: 'shop' })
    const url = urlOf('mooring_reader_shop')
    expect(await query(url, 'select id from app.orders')).toEqual([{ id: 1 }])
    await expect(query(url, 'delete from app.orders')).rejects.toMatchObject({ code: '42501' })
    await expect(query(url, 'set role postgres')).rejects.toMatchObject({ code: '42501' })
    expect(await server.query('select count(*)::int as count from app.orders', 'shop')).toEqual([{ count: 2 }])
    await remove('mooring_reader_shop')
  })

  it('makes a writer that row security binds', async () => {
    await paste({ schema: 'app', provider: 'plain', readOnly: false })
    const url = urlOf('mooring_writer')
    await query(url, "insert into app.orders values (3, 'mooring_writer')")
    expect(await query(url, 'update app.orders set id = id + 10 returning id')).toEqual([{ id: 13 }])
    await server.query('delete from app.orders where id = 13', 'shop')
    await remove('mooring_writer')
  })

  it('grants CONNECT where it was revoked from everybody, for every name', async () => {
    await server.query('revoke connect on database shop from public', 'shop')
    await paste({ schema: HARD_NAME, provider: 'plain', readOnly: true, role: HARD_NAME })
    const { judgement } = await verified(HARD_NAME, HARD_NAME)
    expect(judgement.outcome).toBe('passed')
    await remove(HARD_NAME)
    expect(await server.query("select rolname from pg_roles where rolname !~ '^pg_' order by 1")).toEqual([
      { rolname: 'keeper' },
      { rolname: 'postgres' },
    ])
    await server.query('grant connect on database shop to public', 'shop')
  })
})
