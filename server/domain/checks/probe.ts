/**
 * The findings of a dial of a customer's database: the plain facts that `net` collects and `domain/verification.ts` judges.
 *
 * Facts come from a server that may be hostile. They decide about that one datasource and about nothing else.
 */
import type { Failure, Stage } from '#shared/faults/failure.ts'

/** Some of a kind: how many there are, and the names of 50 of them at most, quoted as `"schema"."name"`, ready for SQL. */
export interface Found {
  readonly count: number
  readonly names: readonly string[]
}

/**
 * The login and the roles that it can become, according to the catalog.
 *
 * "Reached" is what `set role`, inheritance, or a grant to itself by ADMIN OPTION leads to, at any depth. Names have at
 * most 63 bytes and no control characters. They are a stranger's words: quote them in SQL, never act on them elsewhere.
 */
export interface RoleFacts {
  readonly serverVersionNum: number
  readonly sessionUser: string
  /** Another than `sessionUser` after `alter role … set role`, which `set role none` undoes. */
  readonly currentUser: string
  /** Settings that make the login act as another role: its own, its own in this database, the database's, the server's. */
  readonly actingBy: readonly ('login' | 'login_here' | 'database' | 'server')[]
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
  readonly createDbVia: readonly string[]
  readonly replicationVia: readonly string[]
  /** `pg_execute_server_program`, `pg_write_server_files`, `pg_read_server_files`, as far as reached. */
  readonly serverFileRoles: readonly string[]
  /** `pg_read_file`, `lo_export`, …: functions on the server's files that the role may call. */
  readonly serverFileFunctions: readonly string[]
  /** `pg_read_all_data`, `pg_write_all_data`, …, as far as reached. */
  readonly wholeDatabaseRoles: readonly string[]
  /** `pg_monitor`, `pg_read_all_stats`, …, as far as reached. */
  readonly statisticsRoles: readonly string[]
  /** The provider's near-superusers, as far as reached; the login itself may be one. */
  readonly providerAdminRoles: readonly string[]
  /** Whether the login, or a role that is reached, owns the database. */
  readonly ownsDatabase: boolean
  /** Tables that a reached role owns, and those among them whose row security is on but not forced on the owner. */
  readonly tables: { readonly owned: number; readonly ownedRlsNotForced: number }
  /** At most 20 of the latter, quoted as `"schema"."table"`, ready for SQL. */
  readonly ownerBypassTables: readonly string[]
  /** Views that the role may use and that show row-secured rows with the eyes of an owner who is not bound. */
  readonly rlsBypassingViews: Found
  /** SECURITY DEFINER functions that it may call, of an owner whom some table's row security does not bind. */
  readonly privilegedDefinerFunctions: Found
  /** Tables without row security that it may use, below a row-secured one: partitions and children. */
  readonly unsecuredChildren: Found
  /** Tables without row security that it may use, above a row-secured one. */
  readonly unsecuredParents: Found
  /** How many tables of others it may empty, and put triggers on. */
  readonly tableRights: { readonly truncate: number; readonly trigger: number; readonly names: readonly string[] }
  /** Functions that it can replace and that event triggers of others run. */
  readonly eventTriggerFunctions: Found
  /** Functions that it can replace and that triggers, policies, defaults and the like of others run. */
  readonly calledFunctions: Found
  /** `pg_authid`, `pg_shadow`: catalogs of password verifiers that it may read. */
  readonly verifierCatalogs: readonly string[]
  /** `pg_statistic`, `pg_user_mapping`, …: catalogs that only a superuser should read. */
  readonly secretCatalogs: readonly string[]
  /** `dblink_connect_u`, where it may be called. */
  readonly secretFunctions: readonly string[]
  /** At most 20 foreign servers of a superuser that it may use with the password that is stored there for everybody. */
  readonly publicMappingServers: readonly string[]
  /** How many other user mappings give it a password to read or to use. */
  readonly userMappings: number
  /** Parameters that the role may set though only a superuser should (15 and later), and those that it may alter for the system. */
  readonly settableParameters: readonly string[]
  readonly alterableParameters: readonly string[]
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
  /** If it is not usable: whether it exists, and the first names of the schemas that the role may use. If none was requested: about `public`. */
  readonly schemas?: { readonly isThere: boolean; readonly usable: readonly string[] } | undefined
  readonly tookMs: number
}
