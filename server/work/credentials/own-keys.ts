/**
 * Verifies that a keyring belongs to this database: a worker with the wrong one could open nothing, and would only take
 * work away from workers that can. Called when a worker starts, and before it switches to another keyring.
 */
import { SealBroken } from '#server/seal/held-key.ts'
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import * as organizationKeys from '#server/store/organizations/organization-keys.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** Throws a sentence for the operator if the database has organization keys and the keyring opens none of them. */
export async function requireOwnKeys(db: Db, keyring: WorkerKeyring): Promise<void> {
  const unsealer = await createUnsealer(keyring)
  const samples = await organizationKeys.samples(db)
  const isOpened = samples.some(key => {
    try {
      unsealer.hold(key)[Symbol.dispose]()
      return true
    } catch (thrown) {
      if (!(thrown instanceof SealBroken)) throw thrown
      return false
    }
  })
  if (samples.length > 0 && !isOpened)
    throw new Error(
      "The worker's keyring opens none of the organizations' keys in this database. Set MOORING_KEYRING or MOORING_KEYRING_COMMAND to the keyring that the organizations were created with.",
    )
}
