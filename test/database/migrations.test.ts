/** The migrations: on an empty database, repeated, and concurrent; their result equals `schema.sql`. */

import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { openDb } from '#server/store/database/db.ts'
import { migrate, migrationNames, pendingMigrations } from '#server/store/installation/migrate.ts'
import { applyMigration } from '#test/support/database/former-schema.ts'
import { databaseUrl, query, quoted } from '#test/support/database/postgres.ts'
import { dumpSchema } from '#test/support/house/schema-dump.ts'
import { tableTypes } from '#test/support/house/table-types.ts'

const made: string[] = []

/** An empty database, not a clone of the migrated one. */
async function emptyDatabase(): Promise<string> {
  const name = `empty_${randomUUID()}`
  made.push(name)
  await query(inject('adminUrl'), `create database ${quoted(name)}`)
  return databaseUrl(inject('adminUrl'), name)
}

let url: string
beforeAll(async () => {
  url = await emptyDatabase()
})
afterAll(async () => {
  for (const name of made) await query(inject('adminUrl'), `drop database ${quoted(name)} with (force)`)
})

async function pending(at: string): Promise<string[]> {
  const db = openDb({ url: at, size: 1, onError: () => undefined })
  try {
    return await pendingMigrations(db)
  } finally {
    await db.destroy()
  }
}

describe('The migrations', () => {
  it('build everything from nothing, in the order of their names', async () => {
    const names = await migrationNames()
    expect(await pending(url)).toEqual(names)
    expect(await migrate(url)).toEqual(names)
    expect(await pending(url)).toEqual([])
  })

  it('change nothing the second time', async () => {
    const before = await dumpSchema(url)
    expect(await migrate(url)).toEqual([])
    expect(await dumpSchema(url)).toBe(before)
  })

  it('are applied once when twenty begin at once', async () => {
    const other = await emptyDatabase()
    const all = await Promise.all(Array.from({ length: 20 }, () => migrate(other)))
    expect(all.filter(applied => applied.length > 0)).toEqual([await migrationNames()])
    expect(await dumpSchema(other)).toBe(await dumpSchema(url))
  })

  it('create exactly the tables that the statements are typed by', async () => {
    const written = await readFile(fileURLToPath(import.meta.resolve('#server/store/tables/tables.ts')), 'utf8')
    expect(await tableTypes(url), 'run: npm run dump').toBe(written)
  })

  it('create exactly the schema of schema.sql', async () => {
    const written = await readFile(new URL('../../migrations/schema.sql', import.meta.url), 'utf8')
    expect(await dumpSchema(url), 'run: npm run dump').toBe(written)
  })

  it('apply all or none: one that fails leaves nothing of those before it', async () => {
    const other = await emptyDatabase()
    await query(other, 'create table audit_events (id int)')
    await expect(migrate(other)).rejects.toThrow()
    const tables = await query(
      other,
      "select tablename from pg_tables where schemaname = 'public' and tablename not like 'kysely%'",
    )
    expect(tables).toEqual([{ tablename: 'audit_events' }])
    expect(await pending(other)).toEqual(await migrationNames())
  })
})

describe('The tables', () => {
  it('name every constraint and index after their table', async () => {
    const rows = await query(
      url,
      `select t.relname as table, c.conname as name from pg_constraint c join pg_class t on t.oid = c.conrelid
         join pg_namespace n on n.oid = t.relnamespace where n.nspname = 'public' and t.relname not like 'kysely%'
         and not t.relispartition
       union all
       select t.relname, x.relname from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
         join pg_namespace n on n.oid = t.relnamespace where n.nspname = 'public' and t.relname not like 'kysely%'
         and not t.relispartition`,
    )
    expect(rows.filter(row => !String(row['name']).startsWith(`${row['table']}_`))).toEqual([])
  })
})

describe('The migration of issuers', () => {
  it('fills in the maker of a key from the record, and revokes the capabilities of revoked keys', async () => {
    const name = `before_${newId().replaceAll('-', '')}`
    const admin = inject('adminUrl')
    await query(admin, `create database ${name}`)
    const url = databaseUrl(admin, name)
    try {
      const names = await migrationNames()
      const at = names.findIndex(one => one.endsWith('_key_issuers'))
      for (const one of names.slice(0, at)) await applyMigration(url, one)
      const [org, first, second, third, capability] = Array.from({ length: 5 }, () => newId())
      const row = (id: string | undefined, revoked: string) =>
        `insert into api_keys (org_id, id, mode, last4, pepper_id, hash, mac, scopes, created_at, revoked_at)
         values ('${org}', '${id}', 'test', 'last', 'p', sha256('${id}'), sha256('m'), '{feeds.read}', now(), ${revoked});`
      const record = (maker: string, id: string | undefined) =>
        `insert into audit_events (org_id, id, at, principal_kind, principal_id, action, object_kind, object_id, outcome)
         values ('${org}', '${newId()}', now(), ${maker}, 'key.created', 'key', '${id}', 'ok');`
      await query(url, `insert into organizations (id, name, created_at) values ('${org}', 'Old', now())`)
      await query(url, row(first, 'now()') + row(second, 'null') + row(third, 'null'))
      await query(url, record(`'operator', null`, first) + record(`'key', '${first}'`, second))
      await query(
        url,
        `insert into capabilities (org_id, id, issuer_id, mode, last4, pepper_id, hash, mac, operations, participant_kind,
           sync_groups, user_meta, wide_scope, created_at, expires_at)
         values ('${org}', '${capability}', '${first}', 'test', 'last', 'p', sha256('c'), sha256('m'), '{feeds.read}', 'agent',
           '{}', '{}', false, now(), now() + interval '1 day')`,
      )
      await applyMigration(url, names[at] ?? '')
      expect(await query(url, 'select id, issuer_id from api_keys order by id')).toEqual([
        { id: first, issuer_id: null },
        { id: second, issuer_id: first },
        { id: third, issuer_id: null },
      ])
      expect(await query(url, 'select id from capabilities where revoked_at is null')).toEqual([])
    } finally {
      await query(admin, `drop database ${name} with (force)`)
    }
  })
})
