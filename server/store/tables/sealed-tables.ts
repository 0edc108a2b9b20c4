/**
 * The tables of keys, sealed credentials and leases as Kysely types, for `db.ts`.
 * The columns and their constraints are in `migrations/`; who may touch which of them is in `grants.ts`.
 */
import type { Generated } from 'kysely'

/** The table `organization_keys`. */
export interface OrganizationKeysTable {
  org_id: string
  id: string
  public_key: Buffer
  secret: Buffer | null
  master_key_id: string
  signer_id: string
  signature: Buffer
  created_at: Date
  retired_at: Date | null
  destroyed_at: Generated<Date | null>
}

/** The table `credentials`. */
export interface CredentialsTable {
  org_id: string
  datasource_id: string
  version: number
  state: 'pending' | 'current' | 'retired'
  key_id: string
  sealed: Buffer | null
  signer_id: string
  signature: Buffer | null
  fingerprint: string | null
  fingerprint_key_id: Generated<string | null>
  md5_allowed: Generated<boolean>
  last4: string | null
  created_at: Date
  sealed_at: Generated<Date>
  login_hash: Generated<Buffer | null>
  retired_at: Generated<Date | null>
}

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

/** The columns of `datasources` that the worker alone writes: its signed verdict, null together but for the times, and refusals. */
export interface VerdictColumns {
  verdict_version: Generated<number | null>
  verdict_usable: Generated<boolean | null>
  usable_until: Generated<Date | null>
  verdict_signer_id: Generated<string | null>
  verdict_signature: Generated<Buffer | null>
  verdict_asked_at: Generated<Date | null>
  /** Refusals in a row of what is active, 0 to 2, and when one was counted last; 0 and null together. */
  refusals: Generated<number>
  refused_at: Generated<Date | null>
}
