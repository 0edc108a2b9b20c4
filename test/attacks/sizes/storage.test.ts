/**
 * Storage without a bound (A8): stored answers, snapshots, verifications and ended rows grew for ever, inside every
 * limit. The tests reach each bound, and then check what a caller may still rely on.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { faultOf } from '#client/index.ts'
import { newId } from '#server/domain/access/ids.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import { transaction } from '#server/store/database/db.ts'
import { MAX_VERIFICATIONS } from '#server/store/datasources/verdicts.ts'
import { KEPT_SNAPSHOTS } from '#server/store/schemas/kept-snapshots.ts'
import * as snapshots from '#server/store/schemas/snapshots.ts'
import { typedId } from '#shared/base/wire.ts'
import { query } from '#test/support/database/postgres.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { purgeLater, RETENTION } from '#test/support/operations/forgetting.ts'

vi.setConfig({ testTimeout: 120_000 })

let mooring: Mooring
let customer: Customer
let id: `ds_test_${string}`
let org: string
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  org = mooring.organization.id
  const ask = { connectionString: customer.url(), waitSeconds: 20 }
  id = (await mooring.client().datasources.register.mutate(ask)).id as typeof id
})
afterEach(() => vi.restoreAllMocks())
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const sql = (text: string) => query(mooring.databaseUrl, text)
const count = async (from: string) => Number((await sql(`select count(*) as n from ${from}`))[0]?.['n'])
const ofIt = () => `org_id = '${org}' and datasource_id = '${bareUuid(id)}'`

/** Answers of 1 MiB each, newer than all others. */
async function fillAnswers(answers: number): Promise<void> {
  await sql(`
    insert into idempotency_keys (org_id, principal_id, route, key, body_hash, answer, answer_bytes, created_at, expires_at)
    select '${org}', gen_random_uuid(), 'trpc filler', n::text, decode(repeat('00', 32), 'hex'),
      to_jsonb(repeat('x', ${1 << 20} - 2)), ${1 << 20}, now() + n * interval '1 ms', now() + interval '1 day'
    from generate_series(1, ${answers}) n`)
}

describe('Stored answers of an organization', () => {
  it('are deleted above MAX_KEPT_BYTES, oldest first: a repeat is answered again, and nothing happens twice', async () => {
    const client = mooring.client()
    const [name, idempotencyKey] = ['kept', 'answers-1']
    const made = await client.organization.createKey.mutate({ name, idempotencyKey })
    const minted = await client.organization.mintCapability.mutate({ idempotencyKey, wideScope: true, ttlSeconds: 900 })
    const found = await client.snapshots.introspect.mutate({ id, idempotencyKey })
    const validate = { connectionString: customer.url(), idempotencyKey }
    const valid = await client.datasources.validate.mutate(validate)
    const tried = await client.datasources.validateRegistered.mutate({ id, idempotencyKey })
    const before = [await count('api_keys'), await count('capabilities'), await count('audit_events')]
    await fillAnswers(20)
    vi.spyOn(Math, 'random').mockReturnValue(0)
    await client.datasources.update.mutate({ id, name: 'Shop', idempotencyKey: 'answers-2' })
    const [kept] = await sql(`select sum(answer_bytes)::int as bytes, count(*)::int as claims,
      sum(octet_length(answer::text))::int as stored from idempotency_keys where org_id = '${org}'`)
    expect(kept?.['bytes']).toBeLessThanOrEqual(idempotency.MAX_KEPT_BYTES)
    expect(kept?.['bytes']).toBeGreaterThan(idempotency.MAX_KEPT_BYTES - (2 << 20))
    expect(kept?.['stored']).toBeLessThanOrEqual(idempotency.MAX_KEPT_BYTES)
    expect(kept?.['claims']).toBe(26)

    const { key: _key, ...listed } = made
    expect(await client.organization.createKey.mutate({ name, idempotencyKey })).toEqual(listed)
    const { token: _token, ...described } = minted
    const mint = { idempotencyKey, wideScope: true, ttlSeconds: 900 }
    expect(await client.organization.mintCapability.mutate(mint)).toEqual(described)
    expect(await client.snapshots.introspect.mutate({ id, idempotencyKey })).toEqual(found)
    expect(await client.datasources.validate.mutate(validate)).toEqual(valid)
    expect(await client.datasources.validateRegistered.mutate({ id, idempotencyKey })).toEqual(tried)
    // Only the update was recorded meanwhile.
    const after = [await count('api_keys'), await count('capabilities'), await count('audit_events')]
    expect(after).toEqual([before[0], before[1], Number(before[2]) + 1])
    const other = client.organization.createKey.mutate({ name: 'another body', idempotencyKey })
    expect(await other.catch(faultOf)).toBe('idempotency_conflict')
  })

  it('are counted on every large answer, and occasionally on small ones', () => {
    expect(idempotency.isTrimDue(1 << 20)).toBe(true)
    const due = Array.from({ length: 100_000 }, () => idempotency.isTrimDue(1 << 10)).filter(Boolean).length
    expect(due).toBeGreaterThan(200)
    expect(due).toBeLessThan(600)
  })
})

/** Snapshots of one schema, older than later ones, each compared with its predecessor; their ids, oldest first. */
async function fillSnapshots(amount: number, bytes: number): Promise<string[]> {
  const ids = Array.from({ length: amount }, () => newId())
  const content = Buffer.alloc(bytes, 1)
  for (const [at, one] of ids.entries()) {
    const previousId = ids[at - 1] ?? null
    await transaction(mooring.db, tx =>
      snapshots.insert(unitOf(tx, org), {
        ...{ id: one, datasourceId: bareUuid(id), fingerprint: one, schemasAsked: ['public'], excludedSchemas: [] },
        ...{ tableCount: 0, content, observed: Buffer.alloc(1), digest: null, previousId },
        drift: previousId === null ? null : { breaking: 1, risky: 0, safe: 0 },
        at: new Date(Date.now() - 86_400_000 + at * 1_000),
      }),
    )
  }
  return ids
}

/** A snapshot that differs from the last. */
async function anew(column: string) {
  await customer.sql(`alter table app.orders add column ${column} text`)
  return mooring.client().snapshots.introspect.mutate({ id, schemas: ['app'] })
}

describe('Snapshots of a datasource', () => {
  it('are deleted above KEPT_SNAPSHOTS.count, oldest first; a reference to a deleted one becomes null', async () => {
    const whole = await mooring.client().snapshots.introspect.mutate({ id })
    await sql(`update snapshots set seen_at = now() - interval '1 year' where ${ofIt()} and schemas_asked is null`)
    const ids = await fillSnapshots(KEPT_SNAPSHOTS.count + 20, 10)
    const made = await anew('one')
    const items = await sql(`select id, previous_id, breaking from snapshots where ${ofIt()} order by seen_at`)
    const kept = items.map(row => row['id'])
    // The newest one of all schemas stays, whenever it was seen.
    expect(items.length).toBe(KEPT_SNAPSHOTS.count + 1)
    expect(kept).toContain(bareUuid(whole.snapshot.id))
    expect(kept).toContain(bareUuid(made.snapshot.id))
    const [gone, oldest] = [ids[20], ids[21]]
    expect(kept).not.toContain(gone)
    expect(items.find(row => row['id'] === oldest)).toMatchObject({ previous_id: null, breaking: null })
    const [from, to] = [typedId('snap_', String(gone)), made.snapshot.id]
    expect(await mooring.client().snapshots.drift.query({ from, to }).catch(faultOf)).toBe('entity_not_found')
    const drift = await mooring.call('GET', `/v1/datasources/${id}/schema/drift?from=${from}&to=${to}`)
    expect(drift.status).toBe(404)
  })

  it('are deleted above KEPT_SNAPSHOTS.bytes, oldest first', async () => {
    await sql(`update snapshots set seen_at = now() - interval '2 years' where ${ofIt()} and schemas_asked is not null`)
    const ids = await fillSnapshots(3, KEPT_SNAPSHOTS.bytes / 2 - 100_000)
    await anew('two')
    const [kept] = await sql(`select sum(octet_length(content) + octet_length(observed))::int as bytes,
      array_agg(id::text) as ids from snapshots where ${ofIt()}`)
    expect(kept?.['bytes']).toBeLessThanOrEqual(KEPT_SNAPSHOTS.bytes)
    expect(ids.map(one => new Set(Object(kept?.['ids'])).has(one))).toEqual([false, true, true])
  })
})

/** Verifications of the datasource from this many days ago. */
async function fillVerifications(amount: number, daysAgo: number): Promise<void> {
  await sql(`
    insert into verifications (org_id, id, datasource_id, version, outcome, checks, advisories, took_ms, at)
    select '${org}', gen_random_uuid(), '${bareUuid(id)}', 1, 'passed', '[]', '[]', 1,
      now() - ${daysAgo} * interval '1 day' - n * interval '1 second' from generate_series(1, ${amount}) n`)
}

describe('Verifications of a datasource', () => {
  it('are MAX_VERIFICATIONS at most: each check deletes some of the oldest', async () => {
    await fillVerifications(MAX_VERIFICATIONS + 30, 1)
    for (let check = 0; check < 4; check += 1) {
      await mooring.client().datasources.verify.mutate({ id, waitSeconds: 20 })
    }
    expect(await count(`verifications where ${ofIt()}`)).toBe(MAX_VERIFICATIONS)
    const displayed = `datasources d join verifications v on v.id = d.verification_id where d.id = '${bareUuid(id)}'`
    expect(await count(displayed)).toBe(1)
  })
})

const later = (ms: number) => purgeLater(mooring.db, ms)
const { verificationsMs, removedMs, leasesMs, revokedMs } = RETENTION

describe('Ended rows', () => {
  it('are deleted after verificationsMs; the datasource itself keeps the verdict that it shows', async () => {
    const displayed = await mooring.client().datasources.get.query({ id })
    await fillVerifications(10, verificationsMs / 86_400_000)
    const [row] = await sql(`select verification_id as id from datasources where id = '${bareUuid(id)}'`)
    await sql(`update verifications set at = now() - interval '1 year' where id = '${row?.['id']}'`)
    await later(0)
    expect(await count(`verifications where at < now() - interval '90 days'`)).toBe(0)
    expect(await count(`verifications where ${ofIt()}`)).toBeGreaterThan(0)
    expect(displayed.checks.length).toBeGreaterThan(0)
    expect(await mooring.client().datasources.get.query({ id })).toEqual(displayed)
  })

  it('are deleted after removedMs: a removed datasource with all of its rows', async () => {
    const client = mooring.client()
    const ask = { connectionString: customer.url(), schema: 'app', waitSeconds: 20 }
    const gone = await client.datasources.register.mutate(ask)
    await client.snapshots.introspect.mutate({ id: gone.id as typeof id })
    await client.datasources.remove.mutate({ id: gone.id })
    const itsRows = async () => {
      const tables = ['verifications', 'snapshots', 'credentials', 'changes', 'tasks']
      const counts = await Promise.all(
        tables.map(table => count(`${table} where datasource_id = '${bareUuid(gone.id)}'`)),
      )
      return [await count(`datasources where id = '${bareUuid(gone.id)}'`), ...counts]
    }
    await later(removedMs - 60_000)
    expect((await itsRows()).slice(0, 4)).toEqual([1, expect.any(Number), 1, 1])
    await later(removedMs + 60_000)
    expect(await itsRows()).toEqual([0, 0, 0, 0, 0, 0])
    expect((await client.datasources.get.query({ id })).id).toBe(id)
  })

  it('are deleted after leasesMs and revokedMs: ended leases, then unreferenced capabilities and keys', async () => {
    const client = mooring.client()
    const maker = await client.organization.createKey.mutate({ name: 'maker' })
    const made = mooring.client(maker.key ?? '').organization
    const capability = await made.mintCapability.mutate({ wideScope: true, ttlSeconds: 900 })
    const living = await made.createKey.mutate({ name: 'living' })
    await client.organization.revokeKey.mutate({ id: maker.id, children: 'keep' })
    const leaf = await client.organization.createKey.mutate({ name: 'leaf' })
    await client.organization.revokeKey.mutate({ id: leaf.id })
    await sql(`
      insert into leases (org_id, id, datasource_id, capability_id, version, granted_at, expires_at, ended_at, ended_by)
      values ('${org}', gen_random_uuid(), '${bareUuid(id)}', '${bareUuid(capability.id)}', 1, now(), now(), now(), 'expired')`)
    await later(leasesMs - 60_000)
    expect(await count('leases')).toBe(1)
    await later(leasesMs + 60_000)
    expect(await count('leases')).toBe(0)
    await later(revokedMs - 60_000)
    const keys = async () => (await client.organization.listKeys.query()).items.map(key => key.id)
    expect(await keys()).toEqual(expect.arrayContaining([maker.id, leaf.id, living.id]))
    await later(revokedMs + 3_600_000)
    expect(await count(`capabilities where id = '${bareUuid(capability.id)}'`)).toBe(0)
    // The row of a key that made a living key stays.
    expect(await keys()).toEqual(expect.arrayContaining([maker.id, living.id]))
    expect(await keys()).not.toContain(leaf.id)
  })
})
