/** The sample database: a real database to register, owned by one role and read by another with no further right. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DemoDatabase, ensureDemoDatabase } from '#server/standalone/demo-database.ts'
import { type Embedded, startEmbedded } from '#server/standalone/embedded/embedded.ts'
import { databaseUrl, query } from '#test/support/database/postgres.ts'

let dir: string
let server: Embedded
let sample: DemoDatabase

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mooring-sample-'))
  server = await startEmbedded({ dir, settings: { fsync: 'off' }, tethered: true })
  sample = await ensureDemoDatabase(server, dir)
})

afterAll(async () => {
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

async function oneRow(sql: string): Promise<Record<string, unknown> | undefined> {
  return (await query(sample.connectionString, sql))[0]
}

describe('The sample database', () => {
  it('is reached over TLS, by SCRAM, with a string without sslmode', async () => {
    expect(new URL(sample.connectionString).search).toBe('')
    const ca = await readFile(join(dir, 'cluster/data/server.crt'), 'utf8')
    const ssl = { ca, servername: 'localhost' }
    const client = new pg.Client({ connectionString: sample.connectionString, ssl })
    await client.connect()
    expect((await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')).rows).toEqual([
      { ssl: true },
    ])
    await client.end()
    const stored = "select rolpassword like 'SCRAM-SHA-256$%' as scram from pg_authid where rolname = 'sample_reader'"
    expect(await query(server.url, stored)).toEqual([{ scram: true }])
  })

  it('has a dozen related tables in three schemas, all with rows, a view and an enum', async () => {
    const tables = await query(
      sample.connectionString,
      `select n.nspname || '.' || c.relname as name, c.relkind as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname in ('public', 'inventory', 'support') and c.relkind in ('r', 'v')`,
    )
    expect(tables.filter(table => table['kind'] === 'r').length).toBeGreaterThanOrEqual(12)
    for (const { name } of tables) expect(await oneRow(`select from ${name} limit 1`), `${name}`).toEqual({})
    expect(await oneRow("select count(*)::int > 10 as many from pg_constraint where contype = 'f'")).toEqual({
      many: true,
    })
    expect(await oneRow("select count(*)::int as count from pg_type where typname = 'order_status'")).toEqual({
      count: 1,
    })
    expect(tables.filter(table => table['kind'] === 'v')).toHaveLength(1)
  })

  it('is read by a role that owns nothing, can become no other role and may change nothing', async () => {
    expect(
      await oneRow(`select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as strong,
        exists (select from pg_class where relowner = r.oid) as owner,
        exists (select from pg_auth_members where member = r.oid) as member,
        has_database_privilege(current_database(), 'create') or has_database_privilege(current_database(), 'temporary')
          or has_schema_privilege('public', 'create') as creates,
        has_schema_privilege('public', 'usage') and has_schema_privilege('inventory', 'usage')
          and has_schema_privilege('support', 'usage') as uses
        from pg_roles r where rolname = current_user`),
    ).toEqual({ strong: false, owner: false, member: false, creates: false, uses: true })
    const before = await oneRow('select count(*) from public.customers')
    const refused = query(sample.connectionString, 'delete from public.customers')
    await expect(refused).rejects.toMatchObject({ code: '42501' })
    expect(await oneRow('select count(*) from public.customers')).toEqual(before)
  })

  it('hides confidential tickets from the reader by row security that binds their owner as well', async () => {
    expect(await oneRow('select count(*) as hidden from support.tickets where confidential')).toEqual({ hidden: '0' })
    const all = await query(
      databaseUrl(server.url, 'chandlery'),
      'select count(*)::int as count from support.tickets where confidential',
    )
    expect(all[0]?.['count']).toBeGreaterThan(0)
    const forced = 'select count(*)::int as count from pg_class where relrowsecurity and relforcerowsecurity'
    expect(await oneRow(forced)).toEqual({ count: 2 })
  })

  it('is the only database that the reader may connect to', async () => {
    for (const other of ['postgres', 'template1'])
      await expect(query(databaseUrl(sample.connectionString, other), 'select 1')).rejects.toMatchObject({
        code: '42501',
      })
  })

  it('is created once: a later start returns the same string and leaves its rows alone', async () => {
    await query(databaseUrl(server.url, 'chandlery'), "insert into inventory.categories (name) values ('Flags')")
    expect(await ensureDemoDatabase(server, dir)).toEqual(sample)
    expect(await oneRow("select name from inventory.categories where name = 'Flags'")).toEqual({ name: 'Flags' })
    expect((await stat(join(dir, 'sample-password'))).mode & 0o777).toBe(0o600)
  })

  it('is rebuilt after a start that was killed half-way, or that lost its password', async () => {
    await query(server.url, 'alter database chandlery rename to chandlery_unfinished')
    expect(await ensureDemoDatabase(server, dir)).toEqual(sample)
    expect(await query(server.url, "select from pg_database where datname = 'chandlery_unfinished'")).toEqual([])

    await rm(join(dir, 'sample-password'))
    const again = await ensureDemoDatabase(server, dir)
    expect(again).not.toEqual(sample)
    expect(await query(again.connectionString, 'select 1 as one')).toEqual([{ one: 1 }])
    await expect(oneRow('select 1')).rejects.toMatchObject({ code: '28P01' })
    sample = again
  })
})
