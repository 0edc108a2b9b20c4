/**
 * The tables of `migrations/0005_capabilities.sql` as Kysely types, for `db.ts`. The table of rate limits has none here: it
 * belongs to the library that counts in it.
 */
import type { ColumnType } from 'kysely'
import type { Operation } from '#shared/access/credential.ts'
import type { DatasourceId, Mode } from '#shared/base/wire.ts'

/** The table `capabilities`. */
export interface CapabilitiesTable {
  org_id: string
  id: string
  issuer_id: string | null
  rotated_from: string | null
  mode: Mode
  last4: string
  pepper_id: string
  hash: Buffer
  mac: Buffer
  operations: Operation[]
  /** Typed ids, as they were given. */
  datasource_ids: DatasourceId[] | null
  participant_kind: 'agent' | 'system'
  participant_id: string | null
  label: string | null
  sync_groups: string[]
  user_meta: ColumnType<Record<string, unknown>, string, string>
  wide_scope: boolean
  created_at: Date
  last_used_at: Date | null
  expires_at: Date
  revoked_at: Date | null
}

/** The table `quotas`. */
export interface QuotasTable {
  org_id: string
  datasources: number
  max_datasources: number
}
