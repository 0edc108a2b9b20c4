/**
 * What a dial of a customer's database found: the plain facts that `net` brings home and `domain/verification.ts` judges.
 *
 * Facts come from a server that may be hostile. They decide about that one datasource and about nothing else.
 */
import type { Failure, Stage } from '#shared/faults/failure.ts'

/**
 * What the login is and what it can become, as the catalog tells it.
 *
 * "Reached" is what `set role`, inheritance, or a grant to itself by ADMIN OPTION leads to, at any depth. Names have at
 * most 63 bytes and no control characters. They are a stranger's words: quote them in SQL, never act on them elsewhere.
 */
export interface RoleFacts {
  readonly serverVersionNum: number
  readonly sessionUser: string
  /** Another than `sessionUser` after `alter role … set role`, which `set role none` undoes. */
  readonly currentUser: string
  /** Attributes of `sessionUser` itself. */
  readonly superuser: boolean
  readonly bypassRls: boolean
  readonly createRole: boolean
  readonly createDb: boolean
  readonly replication: boolean
  /** Other roles that are reached and have the attribute. */
  readonly superuserVia: readonly string[]
  readonly bypassRlsVia: readonly string[]
  readonly createRoleVia: readonly string[]
  readonly replicationVia: readonly string[]
  /** `pg_execute_server_program`, `pg_write_server_files`, `pg_read_server_files`, as far as reached. */
  readonly serverFileRoles: readonly string[]
  /** `pg_read_file`, `lo_export`, …: functions on the server's files that the role may call. */
  readonly serverFileFunctions: readonly string[]
  /** `pg_read_all_data`, `pg_write_all_data`, …, as far as reached. */
  readonly wholeDatabaseRoles: readonly string[]
  /** The provider's near-superusers, as far as reached; the login itself may be one. */
  readonly providerAdminRoles: readonly string[]
  /** Tables that a reached role owns, and those among them whose row security is on but not forced on the owner. */
  readonly tables: { readonly owned: number; readonly ownedRlsNotForced: number }
  /** At most 20 of the latter, quoted as `"schema"."table"`, ready for SQL. */
  readonly ownerBypassTables: readonly string[]
  /** Views and functions through which the role sees with a superuser's or BYPASSRLS role's eyes. */
  readonly rlsBypassingViews: number
  readonly privilegedDefinerFunctions: number
  /** Parameters that the role may set though only a superuser should (15 and later). */
  readonly settableParameters: readonly string[]
}

/** The end of one dial. */
export interface Probe {
  /** The furthest stage that was passed; `null` when the first one failed. */
  readonly passed: Stage | null
  readonly failure: Failure | null
  /** Every judged address of the host, numbers only; empty when it was refused or not resolved. */
  readonly addresses: readonly string[]
  /** The one of them that was connected to; null when none was. */
  readonly address: string | null
  /** True when every address is in a network that the installation has opened. */
  readonly openNetwork: boolean
  /** The TLS session; null when there is none. `verified` when the certificate chain was checked. */
  readonly tls: { readonly protocol: string; readonly verified: boolean } | null
  readonly channelBound: boolean
  /** Whether the server offered SCRAM bound to the channel. */
  readonly channelBindingOffered?: boolean | undefined
  /** How the password was sent, where it was sent at all: with SCRAM it is not. */
  readonly passwordSent?: 'clear' | 'md5' | null | undefined
  readonly facts: RoleFacts | null
  /** Whether the server is a standby; null where it was not asked. */
  readonly isStandby?: boolean | null
  /** Whether two transactions of the session met different backends, as behind a transaction pooler. */
  readonly isTransactionPooled?: boolean
  /** Whether the asked schema exists and the role has USAGE on it; null when none was asked for or it was not reached. */
  readonly schemaUsable: boolean | null
  /** Where it is not usable: whether it exists, and the first names of those that the role may use. */
  readonly schemas?: { readonly isThere: boolean; readonly usable: readonly string[] } | undefined
  readonly tookMs: number
}
