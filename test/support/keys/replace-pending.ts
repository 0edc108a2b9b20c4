/**
 * Puts a pending credential in the place of another one and does nothing else that a rotation does: as a captured web
 * tier can, and for tests of its neighbours.
 */
import { sql } from 'kysely'
import * as credentials from '#server/store/credentials/credentials.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** A credential as it is written. */
export interface PendingEntry {
  readonly datasourceId: string
  readonly version: number
  readonly credential: credentials.NewCredential
}

/** Writes it, in the caller's transaction. */
export async function replacePending(unit: UnitOfWork, entry: PendingEntry): Promise<void> {
  const { tx, org, now } = unit
  await credentials.destroy(unit, { datasourceId: entry.datasourceId, state: 'pending' })
  const { keyId, box, signerId, signature } = entry.credential.sealed
  await sql`
    insert into credentials (org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, last4, created_at)
    values (${org}, ${entry.datasourceId}, ${entry.version}, 'pending', ${keyId}, ${box}, ${signerId}, ${signature},
      ${entry.credential.last4}, ${now})
  `.execute(tx)
}
