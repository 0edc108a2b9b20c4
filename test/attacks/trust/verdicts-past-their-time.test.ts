/**
 * Old, missing or restored verdicts: nothing is used past `usable_until`, whatever the columns say, and a call that
 * waits for a credential continues when a check has signed a new verdict.
 */
import net from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { faultOf } from '#client/index.ts'
import { createVerdictSigner } from '#server/seal/verdicts.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'

vi.setConfig({ testTimeout: 60_000 })

const HOUR_MS = 3_600_000
/** With one check a day a verdict lasts three days. */
const LIFE_MS = 72 * HOUR_MS

let aheadMs = 0
const clock = () => new Date(Date.now() + aheadMs)
let mooring: Mooring
let customer: Customer
/** The connection between Mooring and the customer's server; while it is closed, the database is away. */
let way: net.Server
let dials = 0
let port: number
let token: string
let id: DatasourceId
let uuid: string
beforeAll(async () => {
  customer = await makeCustomer()
  way = net.createServer(socket => {
    dials += 1
    socket.on('error', () => socket.destroy())
    const on = net.connect({ host: customer.host, port: customer.port })
    on.on('error', () => socket.destroy())
    socket.pipe(on).pipe(socket)
  })
  await open(0)
  port = portOf(way)
  mooring = await startMooring({ clock })
  token = await leaseCapability(mooring, { ttlSeconds: 300 * 24 * 3600 })
})
afterAll(async () => {
  await mooring.stop()
  way.close()
  await customer.drop()
})
beforeEach(async () => {
  if (!way.listening) await open(port)
  const connectionString = customer.url('reader', { port })
  const made = await mooring.client().datasources.register.mutate({ connectionString, waitSeconds: 30 })
  expect(made.status).toBe('active')
  id = made.id
  uuid = bareUuid(id)
  // Nothing becomes due by itself: a captured web tier may write due times.
  await sql(`update tasks set due_at = 'infinity' where standing`)
})

const open = (at: number) => new Promise<void>(resolve => way.listen(at, '127.0.0.1', resolve))
const sql = (text: string) => query(mooring.databaseUrl, text)
const checks = async () => (await sql(`select id from verifications where datasource_id = '${uuid}'`)).length
const leases = async () => (await sql(`select id from leases where datasource_id = '${uuid}'`)).length
const COLUMNS = 'status, verdict_version, verdict_usable, usable_until, verdict_signer_id, verdict_signature'
const verdict = async () => (await sql(`select ${COLUMNS} from datasources where id = '${uuid}'`))[0] ?? {}
const set = (columns: string) => sql(`update datasources set ${columns} where id = '${uuid}'`)
const NO_VERDICT =
  'verdict_version = null, verdict_usable = null, usable_until = null, verdict_signer_id = null, verdict_signature = null'

async function leased(): Promise<unknown> {
  const { publicKey } = await holderKey()
  const lease = mooring.client(token).datasources.lease.mutate({ id, publicKey, ttlSeconds: 60 })
  return lease.then(() => 'granted', faultOf)
}

/** Makes the scheduled introspection due, and resolves when it has run or been given up. */
async function introspected(): Promise<void> {
  await sql(`update tasks set due_at = '${clock().toISOString()}', requested = requested + 1
    where datasource_id = '${uuid}' and kind = 'introspect' and standing; notify mooring_work; notify mooring_news`)
  const done = `select id from tasks where datasource_id = $1 and kind = 'introspect' and standing and settled >= requested`
  await onNotification(mooring.databaseUrl, async client =>
    (await client.query(done, [uuid])).rowCount === 1 ? true : undefined,
  )
}

describe('Past usable_until', () => {
  it('a lease is given only after a check that it requests itself', async () => {
    aheadMs += LIFE_MS - HOUR_MS
    expect([await leased(), await checks()]).toEqual(['granted', 1])
    aheadMs += 2 * HOUR_MS
    expect([await leased(), await checks(), await leases()]).toEqual(['granted', 2, 2])
    expect([await leased(), await checks()]).toEqual(['granted', 2])
  })

  it('nothing is leased or introspected while the database is away, and the check extends no time', async () => {
    const before = await verdict()
    aheadMs += LIFE_MS + HOUR_MS
    way.close()
    expect([await leased(), await checks(), await leases()]).toEqual(['database_unreachable', 2, 0])
    expect(await verdict()).toEqual(before)
    const introspection = mooring.client().snapshots.introspect.mutate({ id })
    expect(await introspection.then(() => 'read', faultOf)).toBe('database_unreachable')
    await open(port)
    dials = 0
    await introspected()
    expect(dials).toBe(0)
    expect(await leased()).toBe('granted')
  })

  it('a lease is given while a new, unreachable credential is pending', async () => {
    const nowhere = customer.url('reader', { port: 1 })
    await mooring
      .client()
      .datasources.rotate.mutate({ id, connectionString: nowhere, allowMove: true, waitSeconds: 30 })
    await sql(`update tasks set due_at = 'infinity' where standing`)
    aheadMs += LIFE_MS + HOUR_MS
    expect([await leased(), await leases()]).toEqual(['granted', 1])
  })

  it('a lease whose check is not settled in time is 504, and retryable', async () => {
    aheadMs += LIFE_MS + HOUR_MS
    await sql(`update tasks set locked_until = 'infinity' where datasource_id = '${uuid}' and kind = 'verify'`)
    expect([await leased(), await leases()]).toEqual(['timeout', 0])
    expect(await sql(`select id from tasks where kind = 'lease'`)).toEqual([])
    await sql(`update tasks set locked_until = null where datasource_id = '${uuid}'`)
    expect(await leased()).toBe('granted')
  })

  it('an edited time in the column is invalid: no lease, and a failed check does not carry it over', async () => {
    aheadMs += LIFE_MS + HOUR_MS
    way.close()
    await set(`usable_until = usable_until + interval '1 year'`)
    expect([await leased(), await leases()]).toEqual(['database_unreachable', 0])
    expect(await verdict()).toMatchObject({ status: 'active', verdict_usable: false, usable_until: null })
  })
})

describe('A verdict', () => {
  it('that is missing, as after the migration, is signed before anything is used; unasked, only once', async () => {
    await set(NO_VERDICT)
    expect([await leased(), await checks()]).toEqual(['granted', 2])
    await set(NO_VERDICT)
    const requests = () => sql(`select requested from tasks where datasource_id = '${uuid}' and kind = 'verify'`)
    const before = await requests()
    // A worker of the last release has run the requested check, and signed nothing.
    await set(`verdict_asked_at = '${clock().toISOString()}'`)
    dials = 0
    await introspected()
    expect([await requests(), dials]).toEqual([before, 0])
    await set('verdict_asked_at = null')
    await introspected()
    await vi.waitFor(async () => expect(await checks()).toBe(3), 30_000)
    await vi.waitFor(async () => expect(await verdict()).toMatchObject({ verdict_usable: true }), 30_000)
  })

  it('that is unsigned stays unused, whatever the column says', async () => {
    way.close()
    const { usable_until: until } = await verdict()
    await set(`verdict_usable = true, verdict_signature = decode(repeat('00', 64), 'hex')`)
    expect(until).not.toBeNull()
    expect([await leased(), await leases()]).toEqual(['database_unreachable', 0])
  })

  it('may be active and not usable: nothing is leased, and no check is requested', async () => {
    const { usable_until: usableUntil } = await verdict()
    const signer = await createVerdictSigner(mooring.keyring)
    const content = { organizationId: mooring.organization.id, datasourceId: uuid, mode: 'test', version: 1 } as const
    const held = { ...content, status: 'active', usable: false, usableUntil: new Date(String(usableUntil)) } as const
    // A time as text in a test has no microseconds: neither does the signed one.
    const until = new Date(Math.floor(held.usableUntil.getTime() / 1000) * 1000)
    const { signature } = signer.sign({ ...held, usableUntil: until })
    await set(`verdict_usable = false, usable_until = '${until.toISOString()}',
      verdict_signature = '\\x${signature.toString('hex')}'`)
    expect([await leased(), await checks(), await leases()]).toEqual(['conflict', 1, 0])
  })

  it('of a whole older row, restored, is valid until its usable_until and no longer', async () => {
    const [older] = await sql(`select status, verdict_version, verdict_usable, usable_until::text, verdict_signer_id,
      encode(verdict_signature, 'hex') as signature from datasources where id = '${uuid}'`)
    await customer.sql(`alter role ${customer.roles.reader} superuser`)
    const statuses: string[] = []
    for (let looks = 0; looks < 3; looks += 1) {
      statuses.push((await mooring.client().datasources.verify.mutate({ id, waitSeconds: 30 })).status)
      aheadMs += 60_000
    }
    expect([...statuses, await leased()]).toEqual(['active', 'active', 'rejected', 'conflict'])
    const restore = `status = 'active', verdict_version = 1, verdict_usable = true, usable_until = '${older?.['usable_until']}',
      verdict_signature = '\\x${older?.['signature']}'`
    await set(restore)
    expect(await leased()).toBe('granted')
    await sql(`update tasks set due_at = 'infinity' where standing`)
    aheadMs += LIFE_MS + HOUR_MS
    await set(restore)
    expect([await leased(), await leases()]).toEqual(['conflict', 1])
    await customer.sql(`alter role ${customer.roles.reader} nosuperuser`)
  })
})

describe("When the worker's signing key is rotated", () => {
  it('verdicts are signed again in the background, an edited one is removed, and only then the old key goes', async () => {
    const { db, databaseUrl, config } = mooring
    const run = (now = clock) => operator({ db, databaseUrl, keyringDir: config.keyring, now })
    const { verdict_signer_id: old } = await verdict()
    const other = await mooring.client().datasources.register.mutate({
      connectionString: customer.url('reader', { port, parameters: 'application_name=edited' }),
      waitSeconds: 30,
    })
    await sql(`update tasks set due_at = 'infinity' where standing`)
    await sql(
      `update datasources set usable_until = usable_until + interval '1 year' where id = '${bareUuid(other.id)}'`,
    )
    for (let step = 0; step < 2; step += 1) {
      await run()('keyring', 'rotate-signing')
      await mooring.reloadKeyrings()
    }
    const later = () => new Date(clock().getTime() + HOUR_MS)
    expect((await run(later)('keyring', 'retire')).printed).not.toContain(old)
    expect([await leased(), await checks()]).toEqual(['granted', 1])
    await run()('keyring', 'reseal')
    const { verdict_signer_id: fresh, ...rest } = await verdict()
    expect(fresh).not.toBe(old)
    expect(rest).toMatchObject({ status: 'active', verdict_usable: true })
    const edited = `select ${COLUMNS} from datasources where id = '${bareUuid(other.id)}'`
    expect(await sql(edited)).toMatchObject([{ status: 'active', usable_until: null, verdict_signature: null }])
    expect((await run(later)('keyring', 'retire')).printed).toContain(old)
    await mooring.reloadKeyrings()
    expect([await leased(), await checks()]).toEqual(['granted', 1])
  })
})
