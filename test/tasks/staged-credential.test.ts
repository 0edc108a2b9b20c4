/**
 * A further credential while another one waits takes its row, and leaves the tasks alone that serve both. Without a
 * worker, so that it goes on waiting.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import type { NewCredential } from '#server/store/credentials/credentials.ts'
import { stage } from '#server/store/datasources/staged-credential.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

let names = 0
interface Posted {
  readonly id: DatasourceId
  again(): Promise<void>
}

/** Registers a database of its own, and again twice: one credential is in force, and one waits. */
async function waiting(): Promise<Posted> {
  names += 1
  const body = { connectionString: `postgresql://app:secret@db.acme.io/waiting_${names}` }
  const post = () => mooring.call('POST', '/v1/datasources', { body })
  const made = await post()
  const again = async () => {
    expect(await post()).toMatchObject({ status: 200, body: { id: made.body.id, updated_at: made.body.updated_at } })
  }
  await again()
  await again()
  return { id: made.body.id, again }
}

const sql = (text: string) => query(mooring.databaseUrl, text)
const tasksOf = (id: DatasourceId) => sql(`select * from tasks where datasource_id = '${bareUuid(id)}' order by kind`)
const checkOf = async (id: DatasourceId) => {
  const [, verify] = await tasksOf(id)
  return { requested: Number(verify?.['requested']), settled: Number(verify?.['settled']) }
}
const setTask = (id: DatasourceId, kind: string, set: string) =>
  sql(`update tasks set ${set} where datasource_id = '${bareUuid(id)}' and kind = '${kind}'`)

describe('A credential that comes while another one waits', () => {
  it('takes its row, with nothing of what belonged to it', async () => {
    const { id, again } = await waiting()
    const pending = `from credentials where datasource_id = '${bareUuid(id)}' and state = 'pending'`
    await sql(`update credentials set fingerprint = 'f', fingerprint_key_id = 'k', md5_allowed = true, login_hash = '\\x01',
      sealed_at = '2020-01-01', last4 = '1234' where datasource_id = '${bareUuid(id)}' and state = 'pending'`)
    const [before] = await sql(`select encode(sealed, 'hex') as box ${pending}`)
    await again()
    const [after] = await sql(`select *, encode(sealed, 'hex') as box, sealed_at > '2026-01-01' as is_new ${pending}`)
    const none = { fingerprint: null, fingerprint_key_id: null, md5_allowed: false, login_hash: null, last4: null }
    expect(after).toMatchObject({ ...none, version: 4, is_new: true, retired_at: null })
    expect(after?.['box']).not.toBe(before?.['box'])
    expect(await sql(`select version from credentials where datasource_id = '${bareUuid(id)}' order by 1`)).toEqual([
      { version: 1 },
      { version: 4 },
    ])
  })

  it('is compared and checked by the tasks that wait already, and is recorded', async () => {
    const { id, again } = await waiting()
    const before = await tasksOf(id)
    expect(before.map(({ kind, requested }) => [kind, Number(requested)])).toEqual([
      ['compare', 1],
      ['verify', 2],
    ])
    const records = () => sql(`select id from audit_events where object_id = '${bareUuid(id)}'`)
    expect(await records()).toHaveLength(3)
    await again()
    expect(await tasksOf(id)).toEqual(before)
    expect(await records()).toHaveLength(4)
  })

  it('has a check of its own where a comparison could settle the one that a caller requested', async () => {
    const { id, again } = await waiting()
    await setTask(id, 'verify', 'settled = requested, due_at = null')
    await again()
    expect(await checkOf(id)).toEqual({ requested: 3, settled: 2 })
    await again()
    expect(await checkOf(id)).toEqual({ requested: 3, settled: 2 })
    // The check of the schedule comes first and settles the request; then a caller requests another one.
    await setTask(id, 'verify', 'settled = requested')
    await mooring.client().datasources.verify.mutate({ id })
    await again()
    expect(await checkOf(id)).toEqual({ requested: 5, settled: 3 })
  })

  it.each(['compare', 'verify'])('requests another one while a worker holds the task: %s', async kind => {
    const { id, again } = await waiting()
    await setTask(id, kind, "locked_until = now() + interval '1 minute'")
    const before = await tasksOf(id)
    await again()
    const after = await tasksOf(id)
    const more = (at: number) => Number(after[at]?.['requested']) - Number(before[at]?.['requested'])
    expect([more(0), more(1)]).toEqual(kind === 'compare' ? [1, 1] : [0, 1])
  })

  it('makes a comparison that failed due again, as a new one', async () => {
    const { id, again } = await waiting()
    await setTask(id, 'compare', "attempts = 3, due_at = now() + interval '1 hour'")
    await again()
    const [compare] = await tasksOf(id)
    expect(compare).toMatchObject({ attempts: 0 })
    expect(Number(compare?.['due_at'])).toBeLessThan(Date.now())
  })
})

describe('A credential for a natural key', () => {
  it('is not staged, and nothing is written, if its datasource has another natural key by then', async () => {
    const { id, again } = await waiting()
    const org = mooring.organization.id
    const [row] = await sql(`select identity, credential_version from datasources where id = '${bareUuid(id)}'`)
    const [box] = await sql(`select key_id, sealed, signer_id, signature from credentials
      where datasource_id = '${bareUuid(id)}' and state = 'pending'`)
    const sealed = {
      keyId: box?.['key_id'],
      box: box?.['sealed'],
      signerId: box?.['signer_id'],
      signature: box?.['signature'],
    }
    const now = new Date()
    const staged = (identity: string | null) => ({
      ...{ datasourceId: bareUuid(id), identity, version: Number(row?.['credential_version']) + 1, set: {}, now },
      ...{ compareId: newId(), checkId: newId(), credential: { sealed, last4: null } as NewCredential },
      event: {
        ...{ id: newId(), at: now, action: 'datasource.reregistered', outcome: 'ok' },
        actor: { kind: 'operator' as const, id: null, requestId: null, address: null },
        ...{ objectKind: 'datasource', objectId: bareUuid(id) },
      },
    })
    const everything = async () => [
      await tasksOf(id),
      await sql(`select * from credentials where datasource_id = '${bareUuid(id)}' order by version`),
      await sql(`select * from datasources where id = '${bareUuid(id)}'`),
      await sql(`select count(*) from audit_events where object_id = '${bareUuid(id)}'`),
    ]
    const before = await everything()
    expect(await stage(mooring.db, org, staged(`${String(row?.['identity'])}x`))).toBe(null)
    expect(await everything()).toEqual(before)
    expect(await stage(mooring.db, org, staged(String(row?.['identity'])))).toBe(2)
    await again()
  })
})

describe('A signing key', () => {
  it('that waits is shown by its end, and dates the datasource', async () => {
    const body = (signingKey: string) => ({ endpoint: 'https://api.acme.io/waiting', signingKey })
    const post = async (key: string) => (await mooring.call('POST', '/v1/datasources', { body: body(key) })).body
    const made = await post('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    await sql(`update datasources set created_at = '2026-01-01' where id = '${bareUuid(made.id)}'`)
    const after = await post('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaL1234')
    expect(after).toMatchObject({ id: made.id, key_last4: '1234' })
    expect(after.updated_at > after.created + 86_400).toBe(true)
  })
})
