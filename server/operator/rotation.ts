/**
 * The operator's part in the life of keys: a new sealing key for an organization, organization keys wrapped and signed
 * anew, what still needs an old key, and an organization's end. Whatever is killed in the middle is taken up by asking again.
 */
import { newId } from '#server/domain/access/ids.ts'
import type { WrappedOrganizationKey } from '#server/domain/access/sealed.ts'
import { createFingerprinter } from '#server/seal/fingerprinter.ts'
import { inUse } from '#server/seal/keyring.ts'
import type { KeyKind } from '#server/seal/keyring-rotation.ts'
import { createLeaseSealer } from '#server/seal/leases.ts'
import { createSealer } from '#server/seal/sealer.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import * as audit from '#server/store/access/audit.ts'
import * as leases from '#server/store/access/leases.ts'
import * as keyUses from '#server/store/keys/key-uses.ts'
import * as resealing from '#server/store/keys/resealing.ts'
import * as organizationKeys from '#server/store/organizations/organization-keys.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import { type Ground, OPERATOR } from './organizations.ts'
import { MOVED, unlessMoving, writing } from './writing.ts'

const BATCH = 200

/** Counts what is left, for whoever shows it. */
export type OnLeft = (left: number) => void

/** What a credential is to be signed and fingerprinted with. */
async function upToDate({ keyring }: Ground): Promise<resealing.UpToDate> {
  const [sealer, fingerprinter] = [await createSealer(keyring), await createFingerprinter(keyring)]
  return { signerIds: sealer.signerIds(), fingerprintKeyId: fingerprinter.keyId }
}

/** How many credentials of an organization, or of all, are sealed or signed with something that is no longer in use. One that moves is not counted. */
export async function countStale(ground: Ground, organizationId: string | null): Promise<number> {
  const expected = await upToDate(ground)
  return resealing.countStale(ground.db, organizationId, expected)
}

/** Has workers seal anew what is stale: of one organization, or of all that have something and do not move. */
export async function requestReseal(ground: Ground, organizationId: string | null): Promise<void> {
  const { db, now } = ground
  const submit = (org: string) => (tx: Tx) => resealing.submit(tx, org, { id: newId(), now })
  if (organizationId !== null) return writing(db, organizationId, submit(organizationId))
  const which = { expected: await upToDate(ground), areMoving: false }
  // One whose move begins meanwhile is told of at the end, by `countMoving`.
  for (const id of await resealing.organizationsToReseal(db, which)) await unlessMoving(db, id, submit(id))
}

/** How many organizations have something that is stale and move: this one alone, or any. */
export async function countMoving(ground: Ground, organizationId: string | null): Promise<number> {
  const which = { expected: await upToDate(ground), areMoving: true }
  const found = await resealing.organizationsToReseal(ground.db, which)
  return found.filter(id => organizationId === null || id === organizationId).length
}

/**
 * Gives an organization a new sealing key, and has workers seal its credentials anew. The one before is retired: it opens,
 * and nothing new is sealed to it, once no web process holds it any more. False when a rotation is still under way; it goes
 * on then, and no further key is made.
 */
export async function rotateOrganization(ground: Ground, organizationId: string): Promise<boolean> {
  const { db, keyring, now } = ground
  const unsealer = await createUnsealer(keyring)
  const isNew = (await countStale(ground, organizationId)) === 0
  if (isNew) {
    await writing(db, organizationId, async tx => {
      const current = (await organizationKeys.list(tx, { org: organizationId })).find(key => key.retiredAt === null)
      if (current === undefined) throw new Error('The organization has no sealing key.')
      const retired = { ...current, retiredAt: now }
      const id = newId()
      const fresh = { id, ...unsealer.createOrganizationKey(organizationId, id) }
      const signed = unsealer.signOrganizationKey(retired)
      await organizationKeys.replaceCurrent(tx, organizationId, {
        retired: { id: current.id, retiredAt: now, ...signed },
        fresh,
        now,
      })
      const about = { action: 'sealing_key.rotated', objectKind: 'sealing_key', objectId: id }
      await audit.append(tx, organizationId, { id: newId(), actor: OPERATOR, outcome: 'ok', at: now, ...about })
    })
  }
  await requestReseal(ground, organizationId)
  return isNew
}

/** How many organization keys are wrapped or signed otherwise than with the key of this kind that is in use. */
export async function countUnmoved({ db, keyring }: Ground, kind: KeyKind): Promise<number> {
  if (kind === 'master') return organizationKeys.countOthers(db, { masterKeyId: inUse(keyring.master).id })
  return kind === 'signing' ? organizationKeys.countOthers(db, { signerId: inUse(keyring.signing).id }) : 0
}

/** Organizations that move: their keys are left as they are. */
type Moving = Set<string>

/**
 * Wraps every organization key that is wrapped to another master key to the one in use. Told how many are left. Answers how many
 * organizations move and were left out.
 */
export async function rewrapAll(ground: Ground, onLeft: OnLeft): Promise<number> {
  const { db, keyring } = ground
  const unsealer = await createUnsealer(keyring)
  const masterKeyId = inUse(keyring.master).id
  const moving = await writeEach(db, {
    onLeft: async () => onLeft(await organizationKeys.countOthers(db, { masterKeyId })),
    list: without => organizationKeys.list(db, { notMaster: masterKeyId, limit: BATCH, without }),
    write: (tx, key) => organizationKeys.writeWrapped(tx, key, unsealer.rewrap(key)),
  })
  return moving.size
}

/** Writes every key that is still listed, each behind the fence of its organization. */
async function writeEach(
  db: Db,
  of: {
    onLeft: () => Promise<void>
    list: (without: readonly string[]) => Promise<WrappedOrganizationKey[]>
    write: (tx: Tx, key: WrappedOrganizationKey) => Promise<void>
  },
): Promise<Moving> {
  const moving: Moving = new Set()
  for (;;) {
    await of.onLeft()
    const batch = await of.list([...moving])
    if (batch.length === 0) return moving
    for (const key of batch) {
      const org = key.organizationId
      if ((await unlessMoving(db, org, tx => of.write(tx, key))) === MOVED) moving.add(org)
    }
  }
}

/** Signs every organization key and every live lease grant that another key signed with the one in use. Answers as `rewrapAll`. */
export async function resignAll(ground: Ground, onLeft: OnLeft): Promise<number> {
  const { db, keyring } = ground
  const unsealer = await createUnsealer(keyring)
  const signerId = inUse(keyring.signing).id
  const moving = await writeEach(db, {
    onLeft: async () => onLeft(await organizationKeys.countOthers(db, { signerId })),
    list: without => organizationKeys.list(db, { notSigner: signerId, limit: BATCH, without }),
    async write(tx, key) {
      // Whoever could write the table would have his own pair signed here.
      unsealer.hold(key)[Symbol.dispose]()
      await organizationKeys.writeSigned(tx, key, unsealer.signOrganizationKey(key))
    },
  })
  await resignGrants(ground, { signerId, moving })
  return moving.size
}

async function resignGrants(ground: Ground, { signerId, moving }: { signerId: string; moving: Moving }): Promise<void> {
  const { db, keyring, now } = ground
  const sealer = await createLeaseSealer(keyring)
  for (const granted of await leases.grantsOfOthers(db, { signerId, now })) {
    const { org_id: organizationId, id: capabilityId, datasource_ids: datasourceIds, expires_at: expiresAt } = granted
    const { hash, mode, operations } = granted
    const grant = { organizationId, capabilityId, hash, mode, operations, datasourceIds, expiresAt }
    if (!sealer.isSigned(grant, granted.signed)) continue
    const entry = { capabilityId, signed: sealer.sign(grant) }
    const done = await unlessMoving(db, organizationId, tx => leases.replaceGrant(tx, organizationId, entry))
    if (done === MOVED) moving.add(organizationId)
  }
}

/** What still needs which key. */
export function usesOf(db: Db, now: Date): Promise<keyUses.KeyUses> {
  return keyUses.read(db, now)
}

/**
 * Removes an organization: its keys' secret halves and its credentials' bytes are destroyed, its tasks end, and no key or
 * capability of it is good any more. The record stays. False when it was removed before.
 */
export async function removeOrganization(ground: Ground, organizationId: string): Promise<boolean> {
  const { db, now } = ground
  return writing(db, organizationId, async tx => {
    if (!(await organizations.remove(tx, organizationId, now))) return false
    const about = { action: 'organization.removed', objectKind: 'organization', objectId: organizationId }
    await audit.append(tx, organizationId, { id: newId(), actor: OPERATOR, outcome: 'ok', at: now, ...about })
    return true
  })
}
