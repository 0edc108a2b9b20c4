/**
 * Retention: rows on both sides of each bound, batches that wait for no lock, one worker at a time for the whole
 * installation, and a removed datasource that leaves nothing behind.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { DAY_MS } from '#server/domain/tasks/retention-settings.ts'
import { createLog } from '#server/log.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import { BATCH, SMALLEST_BATCH } from '#server/store/installation/batches.ts'
import * as oldRows from '#server/store/installation/old-rows.ts'
import * as upkeep from '#server/store/installation/upkeep.ts'
import { startRetention } from '#server/work/retention.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { query } from '#test/support/database/postgres.ts'
import { allRows } from '#test/support/database/rows.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { purgeLater, RETENTION } from '#test/support/operations/forgetting.ts'

vi.setConfig({ testTimeout: 60_000 })

let mooring: Mooring
let customer: Customer
let org: string
let id: DatasourceId
beforeAll(async () => {
  mooring = await startMooring({ env: { MOORING_KEEP_IDEMPOTENCY_DAYS: '2' } })
  customer = await makeCustomer()
  org = mooring.organization.id
  id = await registered('kept')
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const sql = (text: string) => query(mooring.databaseUrl, text)
const count = async (from: string) => Number((await sql(`select count(*) as n from ${from}`))[0]?.['n'])

async function registered(name: string): Promise<DatasourceId> {
  const connectionString = customer.url('reader', { parameters: `application_name=${name}` })
  const made = await mooring.client().datasources.register.mutate({ connectionString, waitSeconds: 20 })
  expect(made.status).toBe('active')
  return made.id
}

/** Verifications of the datasource, this many days old. */
async function verifications(amount: number, days: number): Promise<void> {
  await sql(`
    insert into verifications (org_id, id, datasource_id, version, outcome, checks, advisories, took_ms, at)
    select '${org}', gen_random_uuid(), '${bareUuid(id)}', 1, 'passed', '[]', '[]', 1, now() - interval '${days} days'
    from generate_series(1, ${amount})`)
}

const oldOnes = `verifications where at < now() - interval '90 days'`

describe('A retired credential', () => {
  it('is deleted after removedMs, except the newest version and that of a live lease: retired credentials', async () => {
    const its = `credentials where datasource_id = '${bareUuid(id)}'`
    const versions = async () => (await sql(`select version from ${its} order by 1`)).map(row => row['version'])
    for (const name of ['two', 'three', 'four']) {
      const connectionString = customer.url('reader', { parameters: `application_name=${name}` })
      await mooring.client().datasources.rotate.mutate({ id, connectionString, waitSeconds: 20 })
    }
    // A refused rotation: the newest version was never in force.
    const connectionString = customer.url('superuser')
    await mooring.client().datasources.rotate.mutate({ id, connectionString, waitSeconds: 20 })
    expect(await sql(`select version, state from ${its} order by 1`)).toEqual([
      ...[1, 2, 3].map(version => ({ version, state: 'retired' })),
      { version: 4, state: 'current' },
      { version: 5, state: 'retired' },
    ])
    const capability = bareUuid((await mooring.client().organization.mintCapability.mutate(GRANT)).id)
    await sql(`
      insert into leases (org_id, id, datasource_id, capability_id, version, granted_at, expires_at)
      values ('${org}', '${newId()}', '${bareUuid(id)}', '${capability}', 2, now(), now() + interval '60 days')`)
    await purgeLater(mooring.db, 0)
    await purgeLater(mooring.db, RETENTION.removedMs - 60_000)
    expect(await versions()).toEqual([1, 2, 3, 4, 5])
    await purgeLater(mooring.db, RETENTION.removedMs + 60_000)
    expect(await versions()).toEqual([2, 4, 5])
    await sql(`update leases set ended_at = now(), ended_by = 'released' where version = 2`)
    await purgeLater(mooring.db, RETENTION.removedMs + 60_000)
    expect(await versions()).toEqual([4, 5])
    const next = await mooring.client().datasources.rotate.mutate({
      ...{ id, waitSeconds: 20, connectionString: customer.url('reader', { parameters: 'application_name=six' }) },
    })
    expect(next.credentialVersion).toBe(6)
  })
})

const GRANT = {
  operations: ['datasources.read' as const],
  participantKind: 'agent' as const,
  ttlSeconds: 600,
  wideScope: true,
}

describe('An ended capability', () => {
  it("is deleted after revokedMs with an operator's grant of it, which is useless without it", async () => {
    await leaseCapability(mooring)
    expect(await count('lease_grants')).toBe(1)
    await sql(`update capabilities set revoked_at = now() where id in (select capability_id from lease_grants)`)
    await purgeLater(mooring.db, RETENTION.revokedMs - 60_000)
    expect(await count('lease_grants')).toBe(1)
    await purgeLater(mooring.db, RETENTION.revokedMs + 60_000)
    expect(await count('lease_grants')).toBe(0)
  })
})

describe('A setting', () => {
  it('determines how long an idempotency key is valid, and when its claim is deleted', async () => {
    const idempotencyKey = randomUUID()
    const name = 'once'
    const made = await mooring.client().organization.createKey.mutate({ name, idempotencyKey })
    await sql(`update idempotency_keys set created_at = created_at - interval '47 hours',
      expires_at = expires_at - interval '47 hours' where key = '${idempotencyKey}'`)
    const again = await mooring.client().organization.createKey.mutate({ name, idempotencyKey })
    expect(again.id).toBe(made.id)
    expect(await idempotency.purgeExpired(mooring.db, new Date(), SMALLEST_BATCH)).toBe(false)
    expect(await count(`idempotency_keys where key = '${idempotencyKey}'`)).toBe(1)
    await idempotency.purgeExpired(mooring.db, new Date(Date.now() + 2 * 3_600_000), SMALLEST_BATCH)
    expect(await count(`idempotency_keys where key = '${idempotencyKey}'`)).toBe(0)
  })

  it('of another number of days applies on both sides of the bound', async () => {
    await verifications(1, 40)
    await verifications(1, 50)
    const retention = { ...RETENTION, verificationsMs: 45 * DAY_MS }
    await purgeLater(mooring.db, 0, { retention })
    expect(await count(`verifications where at < now() - interval '49 days'`)).toBe(0)
    expect(await count(`verifications where at < now() - interval '39 days'`)).toBe(1)
  })
})

describe('A batch', () => {
  it('has a maximum of rows, takes the oldest first, and reports whether there may be more', async () => {
    const size = SMALLEST_BATCH
    await verifications(size, 200)
    await verifications(size + 2, 100)
    const before = new Date(Date.now() - RETENTION.verificationsMs)
    expect(await oldRows.purgeVerifications(mooring.db, before, size)).toBe(true)
    expect(await count(`verifications where at < now() - interval '199 days'`)).toBe(0)
    expect(await count(oldOnes)).toBe(size + 2)
    expect(await oldRows.purgeVerifications(mooring.db, before, size)).toBe(true)
    expect(await oldRows.purgeVerifications(mooring.db, before, size)).toBe(false)
    expect(await count(oldOnes)).toBe(0)
  })

  it('that meets a locked row does nothing and returns false, and the next one on the list runs', async () => {
    await verifications(3, 100)
    await sql(`insert into idempotency_keys (org_id, principal_id, route, key, body_hash, created_at, expires_at)
      values ('${org}', '${newId()}', 'r', 'held', sha256('x'), now() - interval '3 days', now() - interval '2 days')`)
    const holder = new pg.Client({ connectionString: mooring.databaseUrl })
    await holder.connect()
    try {
      await holder.query(`begin; select from idempotency_keys where key = 'held' for update`)
      expect(await idempotency.purgeExpired(mooring.db, new Date(), SMALLEST_BATCH)).toBe(false)
      await purgeLater(mooring.db, 0)
      expect([await count(`idempotency_keys where key = 'held'`), await count(oldOnes)]).toEqual([1, 0])
      await holder.query('rollback')
    } finally {
      await holder.end()
    }
    await purgeLater(mooring.db, 0)
    expect(await count(`idempotency_keys where key = 'held'`)).toBe(0)
  })
})

describe('Two workers', () => {
  it('that delete at once delete each row once, and neither fails', async () => {
    await sql(`
      create table test_deleted (id uuid primary key);
      create function test_deleted() returns trigger language plpgsql as $$
        begin insert into public.test_deleted values (old.id); return null; end $$;
      create trigger test_deleted after delete on verifications for each row execute function test_deleted()`)
    await verifications(4_500, 100)
    const young = (await count('verifications')) - 4_500
    await Promise.all([1, 2, 3].map(() => purgeLater(mooring.db, 0)))
    await purgeLater(mooring.db, 0)
    expect([await count('test_deleted'), await count('verifications')]).toEqual([4_500, young])
    await sql('drop table test_deleted cascade; drop function test_deleted cascade')
  })

  it('take turns: another one takes over when the claim is released or has expired', async () => {
    const [first, second] = [randomUUID(), randomUUID()]
    // The worker of this file has it.
    expect(await upkeep.hold(mooring.db, first)).toBe(false)
    await sql(`update upkeep set held_until = now()`)
    expect([await upkeep.hold(mooring.db, first), await upkeep.hold(mooring.db, second)]).toEqual([true, false])
    expect(await upkeep.hold(mooring.db, first)).toBe(true)
    await upkeep.release(mooring.db, second)
    expect(await upkeep.hold(mooring.db, second)).toBe(false)

    await verifications(1, 100)
    const { db, meter } = mooring
    const parts = { db, meter, clock: () => new Date(), log: createLog({ level: 'silent' }) }
    const kept = { retention: RETENTION, eventsMs: 1e12 }
    await startRetention(parts, kept)()
    expect(await count(oldOnes)).toBe(1)
    await upkeep.release(mooring.db, first)
    const stop = startRetention(parts, kept)
    await vi.waitFor(async () => expect(await count(oldOnes)).toBe(0), 20_000)
    await stop()
    expect(await upkeep.hold(mooring.db, second)).toBe(true)
    await upkeep.release(mooring.db, second)
  })
})

describe('A removed datasource', () => {
  it('leaves only its record after removedMs, whatever the retention of its other rows', async () => {
    const gone = await registered('gone')
    await mooring.client().snapshots.introspect.mutate({ id: gone, schemas: ['app'] })
    await customer.sql('alter table app.orders add column more text')
    await mooring.client().snapshots.introspect.mutate({ id: gone, schemas: ['app'] })
    const capability = bareUuid((await mooring.client().organization.mintCapability.mutate(GRANT)).id)
    await sql(`
      insert into leases (org_id, id, datasource_id, capability_id, version, granted_at, expires_at)
      select '${org}', gen_random_uuid(), '${bareUuid(gone)}', '${capability}', 1, now(), now() + interval '60 days'
      from generate_series(1, ${BATCH + 5})`)
    await mooring.client().datasources.remove.mutate({ id: gone })
    // Rows that were added meanwhile, and are younger than everything.
    await sql(`update leases set ended_at = now() + interval '30 days', ended_by = 'released' where ended_at is null;
      insert into tasks (org_id, id, kind, datasource_id, standing, created_at) values
        ('${org}', '${newId()}', 'introspect', '${bareUuid(gone)}', true, now() + interval '30 days');
      insert into verifications (org_id, id, datasource_id, version, outcome, checks, advisories, took_ms, at)
        values ('${org}', '${newId()}', '${bareUuid(gone)}', 1, 'passed', '[]', '[]', 1, now() + interval '30 days')`)
    const places = async () => {
      const rows = Object.entries(await allRows(mooring.databaseUrl))
      const texts = [gone, bareUuid(gone)]
      return rows
        .filter(([, lines]) => lines.some(line => texts.some(text => line.includes(text))))
        .map(([name]) => name)
    }
    await purgeLater(mooring.db, RETENTION.removedMs - 60_000)
    expect(await places()).toEqual(
      expect.arrayContaining(
        ['datasources', 'credentials', 'snapshots', 'leases', 'verifications'].map(t => `public.${t}`),
      ),
    )
    await purgeLater(mooring.db, RETENTION.removedMs + 60_000)
    expect(await places()).toEqual(['public.audit_events'])
    expect((await mooring.client().datasources.get.query({ id })).status).toBe('active')
  })
})
