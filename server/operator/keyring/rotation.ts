/**
 * The operator's part in the life cycle of keys: a new sealing key for an organization, the remaining uses of old keys,
 * and an organization's removal. `rewrapping.ts` rewraps and re-signs organization keys. An interrupted command can be
 * repeated.
 */
import { newId } from '#server/domain/access/ids.ts'
import type { OperatorDeps } from '#server/operator/organizations.ts'
import { unlessMoving, writing } from '#server/operator/writing.ts'
import { createFingerprinter } from '#server/seal/fingerprinter.ts'
import { createSealer } from '#server/seal/sealer.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import * as audit from '#server/store/access/audit.ts'
import * as keyUses from '#server/store/keys/key-uses.ts'
import * as resealing from '#server/store/keys/resealing.ts'
import * as organizationKeys from '#server/store/organizations/organization-keys.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** The keys that must sign and fingerprint a credential. */
async function upToDate({ keyring }: OperatorDeps): Promise<resealing.UpToDate> {
  const [sealer, fingerprinter] = [await createSealer(keyring), await createFingerprinter(keyring)]
  return { signerIds: sealer.signerIds(), fingerprintKeyId: fingerprinter.keyId }
}

/**
 * The number of credentials, of one organization or of all, that are sealed or signed with an old key. Moving
 * organizations do not count.
 */
export async function countStaleRows(deps: OperatorDeps, organizationId: string | null): Promise<number> {
  const expected = await upToDate(deps)
  return resealing.countStale(deps.db, organizationId, expected)
}

/** Requests the resealing of stale credentials: of one organization, or of all that have some and are not moving. */
export async function requestReseal(deps: OperatorDeps, organizationId: string | null): Promise<void> {
  const submit = (unit: UnitOfWork) => resealing.submit(unit, newId())
  if (organizationId !== null) return writing(deps, organizationId, submit)
  const which = { expected: await upToDate(deps), areMoving: false }
  // If an organization's move begins meanwhile, `countMoving` reports it at the end.
  for (const id of await resealing.organizationsToReseal(deps.db, which)) await unlessMoving(deps, id, submit)
}

/** The number of moving organizations with stale credentials: either just this organization, or all. */
export async function countMoving(deps: OperatorDeps, organizationId: string | null): Promise<number> {
  const which = { expected: await upToDate(deps), areMoving: true }
  const found = await resealing.organizationsToReseal(deps.db, which)
  return found.filter(id => organizationId === null || id === organizationId).length
}

/**
 * Gives an organization a new sealing key, and requests the resealing of its credentials. The old key is retired: it
 * still opens boxes, but nothing new is sealed to it once no web process caches it any more. False if a rotation is
 * still in progress; that one then continues, and no further key is created.
 */
export async function rotateOrganization(deps: OperatorDeps, organizationId: string): Promise<boolean> {
  const { keyring } = deps
  const unsealer = await createUnsealer(keyring)
  const isNew = (await countStaleRows(deps, organizationId)) === 0
  if (isNew) {
    await writing(deps, organizationId, async unit => {
      const current = (await organizationKeys.list(unit.tx, { org: organizationId })).find(
        key => key.retiredAt === null,
      )
      if (current === undefined) throw new Error('The organization has no sealing key.')
      const retired = { ...current, retiredAt: unit.now }
      const id = newId()
      const fresh = { id, ...unsealer.createOrganizationKey(organizationId, id) }
      const signed = unsealer.signOrganizationKey(retired)
      await organizationKeys.replaceCurrent(unit, {
        retired: { id: current.id, retiredAt: unit.now, ...signed },
        fresh,
      })
      const about = { action: 'sealing_key.rotated', objectKind: 'sealing_key', objectId: id }
      await audit.append(unit, about)
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
 * Removes an organization: destroys its keys' secret halves and its credentials' bytes, ends its tasks, and invalidates
 * its keys and capabilities. The audit record stays. False if it was already removed.
 */
export async function removeOrganization(deps: OperatorDeps, organizationId: string): Promise<boolean> {
  return writing(deps, organizationId, async unit => {
    if (!(await organizations.remove(unit))) return false
    const about = { action: 'organization.removed', objectKind: 'organization', objectId: organizationId }
    await audit.append(unit, about)
    return true
  })
}
