/** Whether a schema can have changed, told without reading it: every kind of DDL is noticed, and nothing else is. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogSql } from '#server/net/catalog/catalog.ts'
import { DIGEST_SQL, MAY_DIGEST_SQL } from '#server/net/catalog/sql/catalog-sql-digest.ts'
import { installedMajors, query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { asRole, EVERYTHING } from '#test/support/schemas/catalog.ts'
import { BEFORE_DDL, type Ddl, ddlFor, SILENT } from '#test/support/schemas/ddl-kinds.ts'

const oldest = installedMajors()[0] ?? 18

it('names every catalog that the catalog query reads', () => {
  const named = (sql: string) =>
    new Set([...sql.matchAll(/(?:from|join) pg_catalog\.(pg_[a-z_]+) as/g)].map(([, name]) => name))
  const digested = named(DIGEST_SQL)
  // Databases have no part in a schema: one is there for the name of the subscription's own.
  expect([...named(catalogSql(EVERYTHING))].filter(name => !digested.has(name))).toEqual(['pg_database'])
})

describe.each([...new Set([18 as const, oldest])])('The digest of a catalog, on PostgreSQL %i', major => {
  let server: TestServer
  let url: string
  let owner: pg.Client
  let reader: pg.Client

  beforeAll(async () => {
    server = await startServer({ major, settings: { wal_level: 'logical' } })
    await server.query("create role reader login password 'reader'")
    url = await server.createDatabase('changing')
    await query(url, BEFORE_DDL)
    await connect()
  })
  afterAll(async () => {
    await Promise.all([owner?.end(), reader?.end()])
    await server?.stop()
  })
  const connect = async () => {
    owner = new pg.Client({ connectionString: url })
    reader = new pg.Client({ connectionString: asRole(url, 'reader') })
    await Promise.all([owner.connect(), reader.connect()])
  }

  /** As a role that owns nothing. */
  const digest = async (): Promise<string> => {
    const { rows } = await reader.query<{ encode: string }>(DIGEST_SQL)
    expect(rows[0]?.encode).toMatch(/^[0-9a-f]{64}$/)
    return rows[0]?.encode ?? ''
  }
  /** The titles after which it is the same. */
  const unnoticed = async (kinds: readonly Ddl[]) => {
    const same: string[] = []
    let before = await digest()
    for (const [title, sql] of kinds) {
      await owner.query(sql)
      const after = await digest()
      if (after === before) same.push(title)
      before = after
    }
    return same
  }

  it('is the same after what changes no schema', async () => {
    expect(await unnoticed(SILENT)).toEqual(SILENT.map(([title]) => title))
  })

  it('is the same beside temporary tables of others, and when they are gone', async () => {
    const before = await digest()
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    await other.query(`create temporary table passing (id serial primary key, at date generated always as (date '2026-01-01') stored,
      body text check (body <> '')); create index on passing (at); comment on column passing.body is 'x';
      create temporary view glance as select id from passing; create trigger tr before insert on passing for each row
      execute function app.touch(); create temporary table also (id int references passing)`)
    expect(await digest()).toBe(before)
    await other.end()
    expect(await digest()).toBe(before)
  })

  it('is another after every kind of DDL', async () => {
    const kinds = ddlFor(major)
    expect(kinds.length).toBeGreaterThan(120)
    expect(await unnoticed(kinds)).toEqual([])
  })

  it('is the same after a restart', async () => {
    const before = await digest()
    await Promise.all([owner.end(), reader.end()])
    await server.restart()
    await connect()
    expect(await digest()).toBe(before)
  })

  it('is another to another role', async () => {
    const { rows } = await owner.query(DIGEST_SQL)
    expect(rows[0]?.encode).not.toBe(await digest())
  })

  it('is not taken where a catalog is hidden from the role', async () => {
    const may = async () => (await reader.query({ text: MAY_DIGEST_SQL, rowMode: 'array' })).rows
    expect(await may()).toEqual([[true]])
    await owner.query('revoke select on pg_catalog.pg_roles from public')
    expect(await may()).toEqual([[false]])
  })
})
