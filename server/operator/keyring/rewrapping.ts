/**
 * Rewraps and re-signs organizations' keys and lease grants when a master or signing key is replaced. Each key is
 * written behind the fence of its organization. An interrupted run can be repeated.
 */
import type { WrappedOrganizationKey } from '#server/domain/access/sealed.ts'
import type { OperatorDeps } from '#server/operator/organizations.ts'
import { MOVED, unlessMoving } from '#server/operator/writing.ts'
import { inUse } from '#server/seal/keyring.ts'
import type { KeyKind } from '#server/seal/keyring-rotation.ts'
import { createLeaseSealer } from '#server/seal/leases.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import * as leases from '#server/store/access/leases.ts'
import * as organizationKeys from '#server/store/organizations/organization-keys.ts'
import type { Tx } from '#server/store/tables/tables.ts'

const BATCH = 200

/** Called with the number that remain. */
type OnLeft = (left: number) => void

/**
 * The number of organization keys that are not wrapped or signed with the current key of this kind, and for a signing
 * key of live lease grants, too.
 */
export async function countUnmoved(deps: OperatorDeps, kind: KeyKind): Promise<number> {
  const { db, keyring } = deps
  if (kind === 'master') return organizationKeys.countOthers(db, { masterKeyId: inUse(keyring.master).id })
  if (kind !== 'signing') return 0
  const signerId = inUse(keyring.signing).id
  return (await organizationKeys.countOthers(db, { signerId })) + (await formerGrants(deps, signerId)).length
}

/** Organizations that are moving: their keys are left unchanged. */
type Moving = Set<string>

/**
 * Rewraps every organization key that is wrapped to an old master key. Reports the number that remain to `onLeft`.
 * Returns the number of moving organizations that were skipped.
 */
export async function rewrapAll(deps: OperatorDeps, onLeft: OnLeft): Promise<number> {
  const { db, keyring } = deps
  const unsealer = await createUnsealer(keyring)
  const masterKeyId = inUse(keyring.master).id
  const moving = await writeEach(deps, {
    onLeft: async () => onLeft(await organizationKeys.countOthers(db, { masterKeyId })),
    list: without => organizationKeys.list(db, { notMaster: masterKeyId, limit: BATCH, without }),
    write: (tx, key) => organizationKeys.writeWrapped(tx, key, unsealer.rewrap(key)),
  })
  return moving.size
}

/** Writes every key that is still listed, each behind the fence of its organization. */
async function writeEach(
  deps: OperatorDeps,
  {
    onLeft,
    list,
    write,
  }: {
    onLeft: () => Promise<void>
    list: (without: readonly string[]) => Promise<WrappedOrganizationKey[]>
    write: (tx: Tx, key: WrappedOrganizationKey) => Promise<void>
  },
): Promise<Moving> {
  const moving: Moving = new Set()
  for (;;) {
    await onLeft()
    const batch = await list([...moving])
    if (batch.length === 0) return moving
    for (const key of batch) {
      const org = key.organizationId
      if ((await unlessMoving(deps, org, ({ tx }) => write(tx, key))) === MOVED) moving.add(org)
    }
  }
}

/** Re-signs every organization key and live lease grant that another key signed. Returns the same as `rewrapAll`. */
export async function resignAll(deps: OperatorDeps, onLeft: OnLeft): Promise<number> {
  const { db, keyring } = deps
  const unsealer = await createUnsealer(keyring)
  const signerId = inUse(keyring.signing).id
  const moving = await writeEach(deps, {
    onLeft: async () => onLeft(await organizationKeys.countOthers(db, { signerId })),
    list: without => organizationKeys.list(db, { notSigner: signerId, limit: BATCH, without }),
    async write(tx, key) {
      // Opens the key first: otherwise anyone who can write the table could have their own pair signed here.
      unsealer.hold(key)[Symbol.dispose]()
      await organizationKeys.writeSigned(tx, key, unsealer.signOrganizationKey(key))
    },
  })
  await resignGrants(deps, { signerId, moving })
  return moving.size
}

async function resignGrants(
  deps: OperatorDeps,
  { signerId, moving }: { signerId: string; moving: Moving },
): Promise<void> {
  for (const { organizationId, ...entry } of await formerGrants(deps, signerId)) {
    const done = await unlessMoving(deps, organizationId, unit => leases.replaceGrant(unit, entry))
    if (done === MOVED) moving.add(organizationId)
  }
}

/** Live lease grants with a valid signature by another key than the current one, each with a new signature. */
async function formerGrants({ db, keyring, now }: OperatorDeps, signerId: string) {
  const sealer = await createLeaseSealer(keyring)
  const others = await leases.grantsOfOthers(db, { signerId, now })
  return others.flatMap(granted => {
    const { org_id: organizationId, id: capabilityId, datasource_ids: datasourceIds, expires_at: expiresAt } = granted
    const { hash, mode, operations } = granted
    const grant = { organizationId, capabilityId, hash, mode, operations, datasourceIds, expiresAt }
    return sealer.isSigned(grant, granted.signed) ? [{ organizationId, capabilityId, signed: sealer.sign(grant) }] : []
  })
}
