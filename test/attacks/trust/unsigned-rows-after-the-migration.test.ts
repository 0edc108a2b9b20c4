/**
 * The upgrade that introduces signed verdicts: rows of the last release have none and are due within one check
 * interval, and the last release's roles continue with their grants until `db grant` runs again.
 */

import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { grantStatements } from '#server/store/installation/grants.ts'
import { migrationNames } from '#server/store/installation/migrate.ts'
import { applyMigration } from '#test/support/database/former-schema.ts'
import { databaseUrl, query, quoted } from '#test/support/database/postgres.ts'

const FIRST = '0015_verdicts'
const DENIED = '42501'

const adminUrl = inject('adminUrl')
const tag = randomUUID().slice(0, 8)
const [database, web, worker] = [`before_${tag}`, `web_${tag}`, `worker_${tag}`]
const url = databaseUrl(adminUrl, database)
const [org, key] = [randomUUID(), randomUUID()]
const roleUrl = (role: string) => Object.assign(new URL(url), { username: role, password: 'secret' }).href
const as = (role: string, sql: string) => query(roleUrl(role), sql).catch((error: pg.DatabaseError) => error.code)

/** The last release's grants on the tables of this test. */
const OLD_GRANTS = `
  grant select (org_id, datasource_id, version, state), insert (org_id, datasource_id, version, state, key_id, sealed, signer_id,
    signature, created_at), update (state, sealed, signature) on credentials to ${web};
  grant select, insert, update on datasources to ${web}; grant select, insert on audit_events to ${web};
  grant select on api_keys, capabilities to ${web};
  grant select, update on credentials, datasources to ${worker}; grant select, insert on verifications to ${worker};
  grant insert on audit_events to ${worker}`

/** An active datasource whose check is due after this many seconds. */
async function registered(dueInSeconds: number | null): Promise<string> {
  const id = randomUUID()
  const due = dueInSeconds === null ? 'null' : `now() + interval '${dueInSeconds} seconds'`
  await query(
    url,
    `insert into datasources (org_id, id, kind, mode, status, host, port, database, db_type, excluded_schemas, created_at, next_check_at)
       values ('${org}', '${id}', 'direct', 'test', 'active', 'db.example.com', 5432, 'shop', 'postgresql', '{}', now(), ${due});
     insert into credentials (org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, created_at)
       values ('${org}', '${id}', 1, 'current', '${key}', '\\x01', 'web-1', '\\x02', now()),
         ('${org}', '${id}', 2, 'pending', '${key}', '\\x01', 'web-1', '\\x02', now());
     insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
       values ('${org}', gen_random_uuid(), 'verify', '${id}', true, ${due}, now())`,
  )
  return id
}

async function apply(isWanted: (name: string) => boolean): Promise<void> {
  for (const name of (await migrationNames()).filter(isWanted)) await applyMigration(url, name)
}

let soon: string
let late: string[]
beforeAll(async () => {
  await query(adminUrl, `create database ${quoted(database)}`)
  await query(adminUrl, `create role ${web} login password 'secret'; create role ${worker} login password 'secret'`)
  await apply(name => name < FIRST)
  await query(
    url,
    `insert into organizations (id, name, created_at, check_interval_seconds) values ('${org}', 'Old', now(), 7200);
     insert into organization_keys (org_id, id, public_key, secret, master_key_id, signer_id, signature, created_at)
       values ('${org}', '${key}', sha256('a'), '\\x01', 'master-1', 'worker-1', sha512('a'), now());
     ${OLD_GRANTS}`,
  )
  soon = await registered(600)
  late = await Promise.all(Array.from({ length: 8 }, () => registered(40 * 3600)))
  await apply(name => name >= FIRST)
})
afterAll(async () => {
  await query(adminUrl, `drop database ${quoted(database)} with (force)`)
  await query(adminUrl, `drop role ${web}, ${worker}`)
})

it('An active datasource has no verdict and is due within one interval, spread; an earlier due time stays', async () => {
  const rows = await query(
    url,
    `select d.id, d.verdict_signature, extract(epoch from t.due_at - now())::int as due, d.next_check_at = t.due_at as shown
     from datasources d join tasks t on t.datasource_id = d.id`,
  )
  expect(rows.map(row => row['verdict_signature'])).toEqual(rows.map(() => null))
  expect(rows.map(row => row['shown'])).toEqual(rows.map(() => true))
  const due = new Map(rows.map(row => [row['id'], Number(row['due'])]))
  expect(due.get(soon)).toBeGreaterThan(500)
  expect(due.get(soon)).toBeLessThanOrEqual(600)
  const moved = late.map(id => due.get(id) ?? Number.NaN)
  expect(Math.max(...moved)).toBeLessThanOrEqual(7200)
  expect(new Set(moved).size).toBeGreaterThan(1)
})

it('Until db grant runs again, the old web role retires credentials the old way, and both roles can do so the new way', async () => {
  const which = `org_id = '${org}' and datasource_id = '${soon}'`
  const retired = `update credentials set state = 'retired', sealed = null, signature = null where ${which} and state = 'pending'`
  expect(await as(web, retired)).toEqual([])
  for (const [role, id] of [
    [web, late[0]],
    [worker, late[1]],
  ])
    expect(await as(`${role}`, `select retire_credentials('${org}', '${id}', array['pending'], 2)`)).not.toBe(DENIED)
  const left = await query(url, `select datasource_id from credentials where state = 'pending'`)
  expect(left.map(row => row['datasource_id']).sort()).toEqual(late.slice(2).sort())
  const inForce = await query(url, `select count(*)::int as count from credentials where state = 'current'`)
  expect(inForce).toEqual([{ count: 9 }])
})

it('The record accepts rows of the old web tier and of its worker until db grant runs again', async () => {
  const [caller] = await query(
    url,
    `insert into api_keys (org_id, id, mode, last4, pepper_id, hash, mac, scopes, created_at)
       values ('${org}', gen_random_uuid(), 'test', 'abcd', 'pepper-1', sha256('a'), sha256('b'), '{}', now()) returning id`,
  )
  const id = `${Date.now()
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')}-7000-8000-${randomUUID().slice(-12)}`
  const columns = 'org_id, id, at, principal_kind, principal_id, action, outcome'
  const row = (kind: string, principal: string, own: string) =>
    `insert into audit_events (${columns}) values ('${org}', '${own}', now(), '${kind}', ${principal}, 'datasource.verified', 'ok')`
  expect(await as(web, row('key', `'${String(caller?.['id'])}'`, id))).toEqual([])
  expect(await as(worker, row('worker', 'null', randomUUID()))).toEqual([])
  const later = id.replace('-7000-', '-7001-')
  // This database has no record of migrations: they were applied one by one.
  const grants = grantStatements({ web, worker }).filter(statement => !statement.includes('kysely_'))
  for (const statement of grants) await query(url, statement)
  expect(await as(web, row('operator', 'null', later))).toBe(DENIED)
  expect(await as(web, row('key', `'${String(caller?.['id'])}'`, later))).toBe(DENIED)
  expect(await query(url, `select id from audit_events where id = '${later}'`)).toEqual([])
})
