/**
 * One schema and one set of statements, for one PostgreSQL with all organizations or for several with some each: keys
 * of a tenant's table begin with the organization, statements name theirs, and no trigger or lock spans several.
 */
import { loadModule } from 'libpg-query'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '#server/config.ts'
import * as overviews from '#server/store/operations/overview.ts'
import { queueDepths } from '#server/store/tasks/queue-depth.ts'
import { purgeExpired } from '#server/work/retention.ts'
import { watchDatasources } from '#test/support/changes/event-stream.ts'
import { query } from '#test/support/database/postgres.ts'
import { changedTables, statementsOfFunction } from '#test/support/house/changed-tables.ts'
import { type TenantTables, unboundTables } from '#test/support/house/tenant-statements.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'

/** Keys that do not begin with the organization, each with its reason. */
const KEYS: Readonly<Record<string, string>> = {
  organizations_pkey: 'its id is the organization',
}

/** Tables with the organization's column that are not a tenant's tables, each with its reason. */
const NOT_TENANTS: Readonly<Record<string, string>> = {
  tokens:
    'the directory of tokens: whose a hash is, asked before the organization is known, and distributed by the hash',
}

const SWEPT = 'upkeep of the installation: a bounded batch by an index, whose rows are changed by their whole keys'

const OVERVIEW =
  'figures of the whole installation, for the key that its terminal signed in: 20,000 rows at most, without a lock'

/** Statements on tenants' tables that name no organization, by a piece of their text, each with its reason. */
const STATEMENTS: Readonly<Record<string, string>> = {
  'from "organizations" where "removed_at" is null': "an operator's list of organizations",
  'select distinct on ("master_key_id", "signer_id")':
    'a worker asks at its start whether its keyring opens one of each kind',
  'as priorities (p) where (select true from tasks':
    'which priorities have something due: one row by the index of each, without a lock',
  'with recursive held as (':
    'chooses organizations by a loose index scan, 200 at most; what it claims it claims by (org_id, id)',
  "where status_reason = 'credential_unreadable'":
    'what a worker without a key left, by its partial index, page by page',
  'from unnest($1::integer[]) as p cross join lateral ( select count(*)::integer as due':
    'how many tasks are due of each priority: 1,000 rows of its index at most, without a lock',
  'select status from datasources where deleted_at is null limit': OVERVIEW,
  'from verifications where at >= $1::timestamptz order by at desc limit': OVERVIEW,
  'from tasks where expires_at < $1 and not standing order by expires_at limit': SWEPT,
  'from leases where ended_at is null and expires_at <= $1 order by expires_at limit': SWEPT,
  'from capabilities where least(revoked_at, expires_at) between': SWEPT,
  'from idempotency_keys where expires_at <= $1 order by expires_at limit': SWEPT,
  'from credentials where fingerprint is not null and fingerprint_key_id is null limit': SWEPT,
  'from feeds where oldest_at < $1 order by oldest_at limit 1': SWEPT,
  'where d.deleted_at is not null limit 1': SWEPT,
  'from feed_pushes where at < $1 order by at limit': SWEPT,
  'select distinct org_id as org from changes where n is null':
    'changes of the release before, by their partial index, 100 at most',
  'from changes where at < $1 order by at limit': SWEPT,
  'from changes where at < $1 and n > 0 order by at limit': SWEPT,
  'from datasources d where deleted_at < $1': SWEPT,
  'from verifications v where v.at < $1 order by v.at limit': SWEPT,
  'from leases where ended_at < $1 order by ended_at limit': SWEPT,
  "from credentials where state = 'retired' and retired_at is null limit": SWEPT,
  "from credentials c where c.state = 'retired' and c.retired_at < $1": SWEPT,
  'from capabilities c where least(c.revoked_at, c.expires_at) < $1': SWEPT,
  'from api_keys k where k.revoked_at < $1': SWEPT,
}

/** Functions with a statement on tables of tenants that names no organization, each with its reason. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  forget_moved:
    'finds one organization that has moved away, by its index; what it removes it removes by that organization',
}

/** Every statement that this process sends through one of the product's pools. */
const sent = new Set<string>()
const send = pg.Client.prototype.query
let started: string[] = []
let mooring: Mooring
let customer: Customer
let tenants: TenantTables

beforeAll(async () => {
  Reflect.set(pg.Client.prototype, 'query', function record(this: pg.Client, ...given: unknown[]) {
    const [first] = given
    const text = typeof first === 'string' ? first : Reflect.get(Object(first), 'text')
    // The pool has its own class; a test's connection has none.
    if (this.constructor !== pg.Client && typeof text === 'string') sent.add(text)
    return Reflect.apply(send, this, given)
  })
  await loadModule()
  mooring = await startMooring()
  // Migrations belong to no organization; the statements of a worker's start are mixed with them.
  started = [...sent].map(flat)
  sent.clear()
  customer = await makeCustomer()
  const rows = await query(
    mooring.databaseUrl,
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`,
  )
  const names = rows.map(row => String(row['name'])).filter(name => !(name in NOT_TENANTS))
  tenants = new Map([...names.map(name => [name, 'org_id'] as const), ['organizations', 'id']])
})
afterAll(async () => {
  Reflect.set(pg.Client.prototype, 'query', send)
  await mooring.stop()
  await customer.drop()
})

const flat = (text: string) => text.replace(/\s+/g, ' ')

describe('The tables of tenants', () => {
  it('have no unique, primary or foreign key that does not begin with the organization', async () => {
    const rows = await query(
      mooring.databaseUrl,
      `select t.relname as table, x.relname as name, (select attname from pg_attribute where attrelid = t.oid and attnum = i.indkey[0]) as first
       from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
       where i.indisunique and t.relnamespace = 'public'::regnamespace
       union all
       select t.relname, c.conname, (select attname from pg_attribute where attrelid = t.oid and attnum = c.conkey[1])
       from pg_constraint c join pg_class t on t.oid = c.conrelid
       where c.contype = 'f' and t.relnamespace = 'public'::regnamespace`,
    )
    const parents = await partitions()
    const ofTenants = rows.filter(row => tenants.has(parents.get(String(row['table'])) ?? String(row['table'])))
    expect(ofTenants.length).toBeGreaterThan(30)
    const others = ofTenants.filter(row => row['first'] !== 'org_id').map(row => String(row['name']))
    expect(others.sort()).toEqual(Object.keys(KEYS).sort())
  })

  it('have no trigger', async () => {
    const rows = await query(mooring.databaseUrl, 'select tgname from pg_trigger where not tgisinternal')
    expect(rows).toEqual([])
  })

  async function partitions(): Promise<Map<string, string>> {
    const rows = await query(
      mooring.databaseUrl,
      'select inhrelid::regclass::text as child, inhparent::regclass::text as parent from pg_inherits',
    )
    return new Map(rows.map(row => [String(row['child']), String(row['parent'])]))
  }
})

describe('The statements', () => {
  it('name the organization whose rows they read, change or lock', async () => {
    await live()
    const wrong = [...sent]
      .map(text => text.replace(/\s+/g, ' '))
      .flatMap(text => {
        const tables = unboundTables(text, tenants)
        return tables.length === 0 ? [] : [{ text, tables }]
      })
    const isListed = (text: string) => Object.keys(STATEMENTS).some(piece => text.includes(piece))
    expect(sent.size).toBeGreaterThan(100)
    expect(wrong.filter(({ text }) => !isListed(text))).toEqual([])
    // No exception for a statement that locks rows of several organizations at once.
    expect(wrong.filter(({ tables }) => tables.includes('locks'))).toEqual([])
    const seen = [...started, ...wrong.map(({ text }) => text)]
    expect(Object.keys(STATEMENTS).filter(piece => !seen.some(text => text.includes(piece)))).toEqual([])
  })

  it('change rows of one table each: a write to several is a transaction of plain statements, or a function of them', () => {
    expect([...sent].map(flat).filter(text => changedTables(text).length > 1)).toEqual([])
  })

  it('set nothing for a transaction by a function: the settings of one stay on the server that it was sent to', () => {
    expect([...sent].map(flat).filter(text => /set_config/i.test(text))).toEqual([])
    expect([...sent].filter(text => /^set local/.test(text)).length).toBeGreaterThan(1)
  })

  it.each([
    ['with a as (insert into changes (org_id) values ($1)) update tasks set due_at = $2 where org_id = $1', 2],
    ['with a as (delete from tasks returning 1), b as (delete from tasks returning 1) select from a, b', 2],
    ['with a as (select 1 from tasks for update) insert into changes (org_id) select $1 from a', 1],
    ['select settle_check_1($1)', 0],
  ])('are checked: %s', (text, count) => {
    expect(changedTables(text)).toHaveLength(count)
  })

  const good = [
    'select id from datasources where org_id = $1 and id = $2',
    'select d.id from datasources d join credentials c on c.org_id = d.org_id and c.datasource_id = d.id where c.org_id = $1',
    'select d.id from unnest($1::uuid[]) as asked (org) join datasources d on d.org_id = asked.org',
    'with found as (select org_id, id from tasks where org_id = any($1)) delete from tasks t using found where t.org_id = found.org_id and t.id = found.id',
    'update tasks set due_at = $2 where org_id = $1 and exists (select from datasources d where d.org_id = tasks.org_id and d.id = tasks.datasource_id)',
    'insert into tasks (org_id, id) select org_id, id from datasources where org_id = $1',
    'select hash from tokens where hash = $1',
    'select id from organizations where id = $1 for update',
  ]
  it.each(good)('that the check accepts: %s', text => {
    expect(unboundTables(text, tenants)).toEqual([])
  })

  it.each([
    ['select id from datasources where id = $1', ['datasources']],
    ['select id from api_keys where hash = any($1)', ['api_keys']],
    [
      'select d.id from datasources d join credentials c on c.org_id = d.org_id and c.datasource_id = d.id',
      ['credentials', 'datasources'],
    ],
    ['select d.id from datasources d, credentials c where d.org_id = $1 and c.datasource_id = d.id', ['credentials']],
    ['select id from datasources where org_id = $1 or id = $2', ['datasources']],
    ['select id from datasources where org_id <> $1', ['datasources']],
    ['update tasks set due_at = now() where id = $1', ['tasks']],
    ['delete from leases where expires_at < $1', ['leases']],
    ['select 1 where exists (select from leases where id = $1)', ['leases']],
    [
      'with old as (select org_id, id from tasks where due_at < $1) delete from tasks t using old where t.org_id = old.org_id and t.id = old.id',
      ['tasks'],
    ],
    ['insert into tasks (id, kind) values ($1, $2)', ['tasks']],
    ['select id from tasks where due_at < $1 for update skip locked', ['locks', 'tasks']],
    ['select id from organizations', ['organizations']],
  ])('that the check finds: %s', (text, tables) => {
    expect(unboundTables(text, tenants)).toEqual(tables)
  })
})

describe('The functions', () => {
  it('consist of such statements, too', async () => {
    const rows = await query(
      mooring.databaseUrl,
      `select p.proname as name, pg_get_functiondef(p.oid) as text from pg_proc p join pg_language l on l.oid = p.prolang
       where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and l.lanname in ('plpgsql', 'sql')`,
    )
    const inside = rows.flatMap(({ name, text }) =>
      statementsOfFunction(String(text)).map(statement => ({ name: String(name), statement })),
    )
    expect(inside.length).toBeGreaterThan(30)
    expect(inside.filter(({ statement }) => changedTables(statement).length > 1)).toEqual([])
    const wrong = inside.filter(({ statement }) => unboundTables(statement, tenants).length > 0)
    expect([...new Set(wrong.map(({ name }) => name))].toSorted()).toEqual(Object.keys(FUNCTIONS).toSorted())
  })
})

/** A registry's whole life: each subject once, by a caller, the worker and an operator. */
async function live(): Promise<void> {
  const client = mooring.client()
  const { datasources, organization, snapshots, feeds } = client
  const string = (name: string) => customer.url('reader', { parameters: `application_name=${name}` })
  const stream = await watchDatasources({ url: mooring.url, key: mooring.organization.testKey })
  const made = await datasources.register.mutate({
    connectionString: string('one'),
    waitSeconds: 20,
    idempotencyKey: 'a',
  })
  const { id } = made
  for (const schema of ['app', 'app'])
    await mooring.call('POST', '/v1/datasources', { body: { connectionString: customer.url(), schema } })
  await datasources.list.query({})
  await datasources.list.query({ status: 'rejected', updatedSince: '2026-01-01T00:00:00Z', metadata: { a: 'b' } })
  await datasources.verifications.query({ id })
  await datasources.progress.query({ id })
  await mooring.call('POST', '/v1/datasources', { body: { connectionString: customer.url(), metadata: { a: 'b' } } })
  await datasources.update.mutate({ id, name: 'New', idempotencyKey: 'b' })
  await datasources.rotate.mutate({ id, connectionString: string('two'), waitSeconds: 20 })
  await datasources.verify.mutate({ id, waitSeconds: 20 })
  await datasources.validate.mutate({ connectionString: string('three') })
  await snapshots.introspect.mutate({ id })
  await snapshots.list.query({ id })
  const endpoint = { endpoint: 'https://api.acme.io/push', signingKey: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }
  const fed = (await datasources.register.mutate(endpoint)).id
  const body = JSON.stringify({ events: [{ id: 'evt_1', model: 'order', entityId: '1', type: 'CREATE' }] })
  await feeds.push.mutate({ id: fed, body })
  await feeds.recent.query({ id: fed })
  await datasources.get.query({ id: fed })
  const key = await organization.createKey.mutate({ mode: 'test' })
  const minted = await mooring
    .client(key.key)
    .organization.mintCapability.mutate({ operations: ['datasources.read'], ttlSeconds: 60 })
  const rotated = await organization.rotateCapability.mutate({ id: minted.id, graceSeconds: 10 })
  await mooring.client(rotated.token).datasources.get.query({ id })
  await organization.revokeCapability.mutate({ id: rotated.id })
  await organization.revokeKey.mutate({ id: key.id, children: 'revoke' })
  await organization.listKeys.query()
  await organization.listCapabilities.query()
  await organization.audit.query({})
  await client.operations.overview.query()
  // To the console's own key of a local installation `operations.overview` answers by these.
  await queueDepths(mooring.db, new Date())
  await overviews.statusesOfAll(mooring.db)
  await overviews.checksOfAll(mooring.db, { at: new Date(0) })
  const holder = mooring.client(await leaseCapability(mooring))
  const { leaseId } = await holder.datasources.lease.mutate({ id, publicKey: (await holderKey()).publicKey })
  await holder.datasources.releaseLease.mutate({ leaseId })
  await datasources.remove.mutate({ id: fed })
  await datasources.removeAll.mutate({ confirm: true })
  await stream.first(({ text }) => /removed/.test(text))
  await stream.close()
  const run = operator({ db: mooring.db, databaseUrl: mooring.databaseUrl, keyringDir: mooring.config.keyring })
  await run('keys', 'list')
  await run('org', 'set', { 'check-interval': '3600' })
  await run('lease', 'list')
  const kept = { retention: readConfig({}).retention, eventsMs: 1 }
  await purgeExpired(
    { db: mooring.db, clock: () => new Date(Date.now() + 500 * 86_400_000) },
    { kept, goesOn: async () => true },
  )
}
