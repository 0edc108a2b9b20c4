/**
 * The operator's part in the life of keys: a new sealing key for an organization, what still needs an old key, and an
 * organization's end. Organization keys are wrapped and signed anew in `rewrapping.ts`. Whatever is killed in the middle is taken up by asking again.
 */
import { newId } from '#server/domain/access/ids.ts'
import { createFingerprinter } from '#server/seal/fingerprinter.ts'
import { createSealer } from '#server/seal/sealer.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import * as audit from '#server/store/access/audit.ts'
import * as keyUses from '#server/store/keys/key-uses.ts'
import * as resealing from '#server/store/keys/resealing.ts'
import * as organizationKeys from '#server/store/organizations/organization-keys.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import { OPERATOR, type OperatorDeps } from './organizations.ts'
import { unlessMoving, writing } from './writing.ts'

/** The keys that are to sign and fingerprint a credential. */
async function upToDate({ keyring }: OperatorDeps): Promise<resealing.UpToDate> {
  const [sealer, fingerprinter] = [await createSealer(keyring), await createFingerprinter(keyring)]
  return { signerIds: sealer.signerIds(), fingerprintKeyId: fingerprinter.keyId }
}

/** How many credentials of an organization, or of all, are sealed or signed with something that is no longer in use. One that moves is not counted. */
export async function countStaleRows(deps: OperatorDeps, organizationId: string | null): Promise<number> {
  const expected = await upToDate(deps)
  return resealing.countStale(deps.db, organizationId, expected)
}

/** Has workers seal anew what is stale: of one organization, or of all that have something and do not move. */
export async function requestReseal(deps: OperatorDeps, organizationId: string | null): Promise<void> {
  const { db, now } = deps
  const submit = (org: string) => (tx: Tx) => resealing.submit(tx, org, { id: newId(), now })
  if (organizationId !== null) return writing(db, organizationId, submit(organizationId))
  const which = { expected: await upToDate(deps), areMoving: false }
  // One whose move begins meanwhile is told of at the end, by `countMoving`.
  for (const id of await resealing.organizationsToReseal(db, which)) await unlessMoving(db, id, submit(id))
}

/** How many organizations have something that is stale and move: this one alone, or any. */
export async function countMoving(deps: OperatorDeps, organizationId: string | null): Promise<number> {
  const which = { expected: await upToDate(deps), areMoving: true }
  const found = await resealing.organizationsToReseal(deps.db, which)
  return found.filter(id => organizationId === null || id === organizationId).length
}

/**
 * Gives an organization a new sealing key, and has workers seal its credentials anew. The one before is retired: it opens,
 * and nothing new is sealed to it, once no web process holds it any more. False when a rotation is still under way; it goes
 * on then, and no further key is made.
 */
export async function rotateOrganization(deps: OperatorDeps, organizationId: string): Promise<boolean> {
  const { db, keyring, now } = deps
  const unsealer = await createUnsealer(keyring)
  const isNew = (await countStaleRows(deps, organizationId)) === 0
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
  await requestReseal(deps, organizationId)
  return isNew
}

/** The remaining uses of each key. */
export function usesOf(db: Db, now: Date): Promise<keyUses.KeyUses> {
  return keyUses.read(db, now)
}

/**
 * Removes an organization: its keys' secret halves and its credentials' bytes are destroyed, its tasks end, and no key or
 * capability of it is good any more. The record stays. False when it was removed before.
 */
export async function removeOrganization(deps: OperatorDeps, organizationId: string): Promise<boolean> {
  const { db, now } = deps
  return writing(db, organizationId, async tx => {
    if (!(await organizations.remove(tx, organizationId, now))) return false
    const about = { action: 'organization.removed', objectKind: 'organization', objectId: organizationId }
    await audit.append(tx, organizationId, { id: newId(), actor: OPERATOR, outcome: 'ok', at: now, ...about })
    return true
  })
}
