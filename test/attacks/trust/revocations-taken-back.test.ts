/**
 * Attack: somebody who may write tables, or a process of the previous release, takes a revocation back: by its columns,
 * by an older row, by a key without a known maker. A revocation is a separate row that no tier changes or removes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { transaction } from '#server/store/database/db.ts'
import { TAKE_OVER } from '#server/store/installation/former-release.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { families } from '#test/support/access/key-family.ts'
import { makeKey } from '#test/support/access/keys.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

const { child, capabilityOf, ends, stolen } = families(() => ({ mooring, urls: [mooring.url] }))
const revoker = (key?: string) => mooring.client(key).organization.revokeKey
const REVOKED = 'apikey_revoked'

describe('An attacker who may write the tables', () => {
  it('cannot turn a revocation into one that keeps the key’s children', async () => {
    const { root, minted } = await stolen()
    await revoker().mutate({ id: root.id, children: 'revoke' })
    const uuid = String(uuidOf(root.id, 'key_'))
    const kept = `insert into revocations (org_id, kind, id, at, keeps_children)
      values ('${mooring.organization.id}', 'key', '${uuid}', now(), true)`
    await expect(query(mooring.databaseUrl, kept)).rejects.toThrow('revocations_pkey')
    expect(await ends(minted.token)).toBe('capability_invalid')
  })

  it('restores nothing through the columns that the previous release reads', async () => {
    const { root, minted } = await stolen()
    await revoker().mutate({ id: root.id, children: 'revoke' })
    for (const table of ['api_keys', 'capabilities'])
      await query(
        mooring.databaseUrl,
        `update ${table} set revoked_at = null where org_id = '${mooring.organization.id}'`,
      )
    expect([await ends(root.key), await ends(minted.token)]).toEqual([REVOKED, 'capability_invalid'])
    expect((await mooring.client().organization.getCapability.query({ id: minted.id })).status).toBe('revoked')
  })

  it('restores nothing by deleting the row and inserting an older one', async () => {
    const { id, key } = await child(mooring.organization.testKey)
    const uuid = String(uuidOf(id, 'key_'))
    const [older] = await query(
      mooring.databaseUrl,
      `select to_json(k)::text as row from api_keys k where id = '${uuid}'`,
    )
    await revoker().mutate({ id })
    await query(mooring.databaseUrl, `delete from api_keys where id = '${uuid}'`)
    expect(await ends(key)).toBe('apikey_invalid')
    const row = String(older?.['row']).replaceAll("'", "''")
    await query(
      mooring.databaseUrl,
      `insert into api_keys select * from json_populate_record(null::api_keys, '${row}')`,
    )
    expect(await ends(key)).toBe(REVOKED)
  })

  it('cannot turn a revocation by a process of the previous release into one that keeps the key’s children', async () => {
    const { root, daughter, minted, rotated } = await stolen()
    const own = await capabilityOf(root.key)
    const uuid = String(uuidOf(root.id, 'key_'))
    // As that release writes it.
    await query(mooring.databaseUrl, `update api_keys set revoked_at = now() where id = '${uuid}'`)
    expect([await ends(root.key), await ends(own.token)]).toEqual([REVOKED, 'capability_invalid'])
    await revoker().mutate({ id: root.id, children: 'keep' })
    expect([await ends(daughter.key), await ends(own.token)]).toEqual(['ok', 'capability_invalid'])
    await revoker().mutate({ id: root.id, children: 'revoke' })
    for (const { token } of [minted, rotated, own]) expect(await ends(token)).toBe('capability_invalid')
  })

  it('finds the revocations of the previous release’s processes taken over by db grant', async () => {
    const { root, daughter } = await stolen()
    const own = await capabilityOf(root.key)
    const [org, uuid] = [mooring.organization.id, String(uuidOf(root.id, 'key_'))]
    await query(mooring.databaseUrl, `update api_keys set revoked_at = now() where id = '${uuid}'`)
    await query(mooring.databaseUrl, `delete from tokens where org_id = '${org}'`)
    for (const statement of TAKE_OVER) await query(mooring.databaseUrl, statement)
    for (const table of ['api_keys', 'capabilities'])
      await query(mooring.databaseUrl, `update ${table} set revoked_at = null where org_id = '${org}'`)
    expect([await ends(root.key), await ends(own.token)]).toEqual([REVOKED, 'capability_invalid'])
    expect(await ends(daughter.key)).toBe('ok')
    const lacking = `select from api_keys where org_id = '${org}' and hash not in (select hash from tokens)`
    expect(await query(mooring.databaseUrl, lacking)).toEqual([])
  })

  it('cannot separate a key created by a process of the previous release from its creator in the record', async () => {
    const maker = await child(mooring.organization.testKey)
    const uuid = String(uuidOf(maker.id, 'key_'))
    // As that release writes them: the key without an issuer, then the record, in one transaction.
    const makeAsBefore = () =>
      transaction(mooring.db, async tx => {
        const within = { ...mooring, db: tx }
        const key = await makeKey(within)
        const id = await newest(tx)
        await tx
          .insertInto('audit_events')
          .values({
            org_id: mooring.organization.id,
            id: newId(),
            at: new Date(),
            principal_kind: 'key',
            principal_id: uuid,
            action: 'key.created',
            object_kind: 'key',
            object_id: id,
            outcome: 'ok',
            request_id: null,
            address: null,
          })
          .execute()
        return key
      })
    const key = await makeAsBefore()
    await expect(revoker().mutate({ id: maker.id })).rejects.toMatchObject({ data: { issues: [{ ctx: { keys: 1 } }] } })
    await revoker().mutate({ id: maker.id, children: 'revoke' })
    expect(await ends(key)).toBe(REVOKED)
  })
})

async function newest(tx: Parameters<Parameters<typeof transaction>[1]>[0]): Promise<string> {
  const row = await tx.selectFrom('api_keys').select('id').orderBy('id', 'desc').limit(1).executeTakeFirstOrThrow()
  return row.id
}
