/**
 * R11: rights of a role that bypass row security, code of the role that others run, and secrets that it can read, on
 * every supported version. The person named in the printed text runs it unchanged; then the finding is gone, and nobody
 * else has lost anything.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PASSWORD_PLACEHOLDER } from '#server/domain/checks/role/role-sql.ts'
import { verifyLogin } from '#test/support/checks/judged-login.ts'
import { databaseUrl, query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { triedMajors } from '#test/support/database/whole.ts'
import { fieldCases } from '#test/support/field/cases.ts'

const PASSWORD = 'correct-horse-7-battery'

/**
 * `:me` is the role and a schema with the tables `secret`, with row security that is not forced, and `plain`. `proof`
 * returns rows to the role before the repair; each entry of `keeps`, a role and a query, returns the same before and
 * after. `paster` runs the printed SQL.
 */
const CASES = fieldCases(
  'roles.json',
  z.strictObject({
    what: z.string(),
    majors: z.tuple([z.number(), z.number()]).default([13, 18]),
    database: z.enum(['shop', 'bare']).default('shop'),
    sql: z.array(z.string()),
    fails: z.array(z.string()),
    advises: z.array(z.string()),
    proof: z.string().optional(),
    keeps: z.array(z.tuple([z.string(), z.string()])).default([]),
    paster: z.string().default('postgres'),
    undo: z.array(z.string()).default([]),
    says: z.array(z.string()).default([]),
  }),
).map((one, index) => ({ ...one, me: `c${index}` }))
type Case = (typeof CASES)[number]

const SERVER_SQL = `
create role shop_owner login createrole password '${PASSWORD}';
create role other login password '${PASSWORD}'`

const CASE_SQL = `
create role :me login password '${PASSWORD}';
create schema :me authorization shop_owner;
set role shop_owner;
create table :me.secret (id int, tenant text);
alter table :me.secret enable row level security;
create policy own on :me.secret using (tenant = current_user);
create table :me.plain (id int);
grant usage on schema :me to :me, other;
grant select on :me.secret, :me.plain to :me, other;
reset role;
insert into :me.secret values (1, 'one'), (2, 'two')`

describe.each(triedMajors())('on PostgreSQL %i', major => {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer({ major })
    await server.createDatabase('shop')
    await server.createDatabase('bare')
    await server.query(SERVER_SQL)
  })
  afterAll(() => server?.stop())

  function urlOf(user: string, database: string): string {
    const url = new URL(databaseUrl(server.adminUrl, database))
    if (user !== 'postgres') Object.assign(url, { username: user, password: PASSWORD })
    return url.href
  }

  /** Returns the rows of each query whose result must not change. */
  const kept = async ({ keeps, me, database }: Case) => {
    const rows = []
    for (const [role, sql] of keeps) rows.push(await query(urlOf(named(role, me), database), named(sql, me)))
    return rows
  }

  it.each(CASES.filter(({ majors: [from, to] }) => from <= major && major <= to))('finds $what', async one => {
    const { me, database, paster } = one
    const setup = [...(database === 'shop' ? [CASE_SQL] : []), ...one.sql]
    await server.query(named(setup.join(';\n'), me), database)
    const judged = (user: string) =>
      verifyLogin({ port: server.port, database, user, password: PASSWORD, schema: database === 'shop' ? me : null })

    const found = await judged(me)
    expect({ fails: found.failing, advises: found.advised }).toEqual({ fails: one.fails, advises: one.advises })
    const failing = found.judgement.checks.filter(({ outcome }) => outcome === 'fail')
    const advice = found.judgement.advisories.filter(({ item }) => item !== 'tls')
    const texts = [
      ...failing.map(({ fix }) => fix ?? ''),
      ...advice.map(({ recommendation }) => recommendation.slice(recommendation.indexOf('\n') + 1)),
    ]
    const whole = JSON.stringify(found.judgement)
    expect(whole).not.toContain(PASSWORD)
    for (const says of one.says)
      expect(
        [...failing.map(({ actual }) => actual), ...texts, ...advice.map(a => a.recommendation)].join('\n'),
      ).toContain(named(says, me))
    if (one.proof !== undefined) expect(await query(urlOf(me, database), named(one.proof, me))).not.toEqual([])
    const before = await kept(one)

    for (const text of texts) {
      await query(urlOf(paster, database), text.replace(PASSWORD_PLACEHOLDER, PASSWORD))
    }
    const made = texts.flatMap(text => /create role "([^"]+)"/.exec(text)?.[1] ?? [])
    expect(made.length).toBeLessThanOrEqual(1)
    const login = made[0] ?? me
    const mended = await judged(login)
    expect({ fails: mended.failing, advises: mended.advised }).toEqual({ fails: [], advises: [] })
    expect(await kept(one)).toEqual(before)

    const roles = made.map(role => `drop owned by ${role}; drop role ${role};`)
    await server.query(named([...one.undo, ...roles, `drop schema if exists ${me} cascade`].join(';\n'), me), database)
  })
})

function named(text: string, me: string): string {
  return text.replaceAll(':me', me)
}
