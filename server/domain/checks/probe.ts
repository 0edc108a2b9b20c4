/**
 * The findings of a dial to a customer's database: the plain facts that `net` collects and `domain/verification.ts`
 * judges.
 *
 * Facts come from a server that may be hostile. They affect only this one datasource.
 */
import type { Failure, Stage } from '#shared/faults/failure.ts'

/** Objects of one kind: their number, and the names of at most 50, quoted as `"schema"."name"`, ready for SQL. */
export interface Found {
  readonly count: number
  readonly names: readonly string[]
}

/**
 * The login and the roles that it can become, according to the catalog.
 *
 * "Reached" means through `set role`, inheritance, or a grant to itself by ADMIN OPTION, at any depth. Names have at
 * most 63 bytes and no control characters. They are a stranger's words: quote them in SQL, never act on them elsewhere.
 */
export interface RoleFacts {
  readonly serverVersionNum: number
  readonly sessionUser: string
  /** Differs from `sessionUser` after `alter role … set role`, which `set role none` undoes. */
  readonly currentUser: string
  /**
   * The settings that make the login act as another role: its own, its own in this database, the database's, the
   * server's.
   */
  readonly actingBy: readonly ('login' | 'login_here' | 'database' | 'server')[]
  /** Attributes of `sessionUser` itself. */
  readonly superuser: boolean
  readonly bypassRls: boolean
  readonly createRole: boolean
  readonly createDb: boolean
  readonly replication: boolean
  /** Other reached roles that have the attribute. */
  readonly superuserVia: readonly string[]
  readonly bypassRlsVia: readonly string[]
  readonly createRoleVia: readonly string[]
  readonly createDbVia: readonly string[]
  readonly replicationVia: readonly string[]
  /** Those of `pg_execute_server_program`, `pg_write_server_files`, `pg_read_server_files` that are reached. */
  readonly serverFileRoles: readonly string[]
  /** Functions on the server's files that the role may call, such as `pg_read_file` and `lo_export`. */
  readonly serverFileFunctions: readonly string[]
  /** Those of `pg_read_all_data`, `pg_write_all_data`, … that are reached. */
  readonly wholeDatabaseRoles: readonly string[]
  /** Those of `pg_monitor`, `pg_read_all_stats`, … that are reached. */
  readonly statisticsRoles: readonly string[]
  /** The reached near-superusers of the provider; the login itself may be one. */
  readonly providerAdminRoles: readonly string[]
  /** True if the login, or a reached role, owns the database. */
  readonly ownsDatabase: boolean
  /** Tables that a reached role owns, and those among them with row security that is not forced on the owner. */
  readonly tables: { readonly owned: number; readonly ownedRlsNotForced: number }
  /** At most 20 of the latter, quoted as `"schema"."table"`, ready for SQL. */
  readonly ownerBypassTables: readonly string[]
  /** Views that the role may use and that show row-secured rows with the privileges of an exempt owner. */
  readonly rlsBypassingViews: Found
  /** SECURITY DEFINER functions that it may call, owned by a role that is exempt from some table's row security. */
  readonly privilegedDefinerFunctions: Found
  /** Tables without row security that it may use, below a row-secured one: partitions and children. */
  readonly unsecuredChildren: Found
  /** Tables without row security that it may use, above a row-secured one. */
  readonly unsecuredParents: Found
  /** The number of other owners' tables that it may truncate, and that it may put triggers on. */
  readonly tableRights: { readonly truncate: number; readonly trigger: number; readonly names: readonly string[] }
  /** Functions that it can replace and that other owners' event triggers run. */
  readonly eventTriggerFunctions: Found
  /** Functions that it can replace and that other owners' triggers, policies, defaults and the like run. */
  readonly calledFunctions: Found
  /** Catalogs of password verifiers that it may read, such as `pg_authid` and `pg_shadow`. */
  readonly verifierCatalogs: readonly string[]
  /** Catalogs that only a superuser should read, such as `pg_statistic` and `pg_user_mapping`. */
  readonly secretCatalogs: readonly string[]
  /** `dblink_connect_u`, if it may be called. */
  readonly secretFunctions: readonly string[]
  /** At most 20 foreign servers of a superuser that it may use with the password stored there for everyone. */
  readonly publicMappingServers: readonly string[]
  /** The number of other user mappings whose password it can read or use. */
  readonly userMappings: number
  /**
   * Parameters that the role may set though only a superuser should (15 and later), and those that it may alter for the
   * system.
   */
  readonly settableParameters: readonly string[]
  readonly alterableParameters: readonly string[]
}

/** The end of one dial. */
export interface Probe {
  /** The furthest stage that passed; `null` if the first one failed. */
  readonly passed: Stage | null
  readonly failure: Failure | null
  /** Every judged address of the host, in numeric form; empty if the host was refused or not resolved. */
  readonly addresses: readonly string[]
  /** The address that was connected to; null if none was. */
  readonly address: string | null
  /** True if every address is in a network that the installation has opened. */
  readonly openNetwork: boolean
  /** The TLS session; null if there is none. `verified` is true if the certificate chain was verified. */
  readonly tls: { readonly protocol: string; readonly verified: boolean } | null
  readonly channelBound: boolean
  /** True if the server offered SCRAM bound to the channel. */
  readonly channelBindingOffered?: boolean | undefined
  /** How the password was sent, if at all: SCRAM does not send it. */
  readonly passwordSent?: 'clear' | 'md5' | null | undefined
  readonly facts: RoleFacts | null
  /** True if the server is a standby; null if it was not asked. */
  readonly isStandby?: boolean | null
  /** True if two transactions of the session met different backends, as behind a transaction pooler. */
  readonly isTransactionPooled?: boolean
  /**
   * True if the requested schema exists and the role has USAGE on it; null if none was requested or the dial did not
   * get that far.
   */
  readonly schemaUsable: boolean | null
  /**
   * If it is not usable: whether it exists, and the first schemas that the role may use. If none was requested: the
   * same for `public`.
   */
  readonly schemas?: { readonly isThere: boolean; readonly usable: readonly string[] } | undefined
  readonly tookMs: number
}
