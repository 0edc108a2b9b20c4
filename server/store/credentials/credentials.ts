/**
 * The web tier's access to credential rows: it writes new bytes, destroys bytes, and reads every column except the
 * bytes. The worker's reads are in `sealed.ts`, which the web process cannot reach.
 */

import { sql } from 'kysely'
import type { SealedBox } from '#server/domain/access/sealed.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** A credential to insert. `last4` is set for a signing key, otherwise null. */
export interface NewCredential {
  readonly sealed: SealedBox
  readonly last4: string | null
}

/** A credential without its bytes. */
export interface CredentialSummary {
  readonly version: number
  readonly state: 'pending' | 'current' | 'retired'
}

/** The current and the pending credential of a datasource, without their bytes; oldest first. */
export function live(tx: Db, org: string, datasourceId: string): Promise<CredentialSummary[]> {
  return tx
    .selectFrom('credentials')
    .select(['version', 'state'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', datasourceId)
    .where('state', '!=', 'retired')
    .orderBy('version')
    .execute()
}

/** Destroys the bytes of a datasource's credentials: those in one state, or all. The rows remain, as `retired`. */
export async function destroy(
  unit: UnitOfWork,
  which: { datasourceId: string; state?: 'pending' | 'current' },
): Promise<void> {
  const states = which.state === undefined ? ['pending', 'current'] : [which.state]
  await retire(unit, { datasourceId: which.datasourceId, states, version: null })
}

/** Destroys the bytes of one version that is still pending, after its refusal. */
export async function destroyVersion(
  unit: UnitOfWork,
  which: { datasourceId: string; version: number },
): Promise<void> {
  await retire(unit, { ...which, states: ['pending'] })
}

/**
 * Calls the database function that retires credentials. The web role has no update privilege on the table; otherwise it
 * could put any credential in force.
 */
async function retire(
  { tx, org }: UnitOfWork,
  { datasourceId, states, version }: { datasourceId: string; states: string[]; version: number | null },
): Promise<void> {
  await sql`select retire_credentials(${org}::uuid, ${datasourceId}::uuid, ${states}::text[], ${version}::integer)`.execute(
    tx,
  )
}
