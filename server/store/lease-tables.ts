/**
 * The tables of `migrations/0020_leases.sql` as Kysely types, for `db.ts`, which is long enough.
 * The columns and their constraints are there.
 */

/** The table `lease_grants`. */
export interface LeaseGrantsTable {
  org_id: string
  capability_id: string
  signer_id: string
  signature: Buffer
}

/** The table `leases`. */
export interface LeasesTable {
  org_id: string
  id: string
  datasource_id: string
  capability_id: string
  version: number
  granted_at: Date
  expires_at: Date
  ended_at: Date | null
  ended_by: 'released' | 'revoked' | 'expired' | null
}
