/**
 * PostgreSQL's own roles and parameters that allow more than their names suggest, and catalogs that hold secrets.
 *
 * Each name matches `[a-z_.]+`, so that a list can be embedded in SQL unquoted.
 */

/** Roles with access to the server's operating system. */
export const SERVER_FILE_ROLES = ['pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'] as const

/** Roles with access to every table, within the limits of row security. */
export const WHOLE_DATABASE_ROLES = [
  'pg_create_subscription',
  'pg_maintain',
  'pg_read_all_data',
  'pg_write_all_data',
] as const

/** Roles that can see other sessions: the text of their statements, and settings that contain passwords. */
export const STATISTICS_ROLES = ['pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats'] as const

/**
 * Parameters that run operating system commands or load libraries: altering them for the system means acting as the
 * server.
 */
export const SYSTEM_PARAMETERS = [
  'archive_cleanup_command',
  'archive_command',
  'archive_library',
  'basebackup_to_shell.command',
  'dynamic_library_path',
  'extension_control_path',
  'jit_provider',
  'local_preload_libraries',
  'oauth_validator_libraries',
  'plperl.on_init',
  'plperl.on_plperl_init',
  'plperl.on_plperlu_init',
  'pljava.libjvm_location',
  'pljava.vmoptions',
  'pltcl.start_proc',
  'pltclu.start_proc',
  'recovery_end_command',
  'restore_command',
  'session_preload_libraries',
  'shared_preload_libraries',
  'ssl_passphrase_command',
] as const

/** Catalogs of password verifiers, whose reader can log in as anyone. */
export const VERIFIER_CATALOGS = ['pg_authid', 'pg_shadow'] as const

/** Other catalogs that only a superuser reads by default: passwords for other servers, and row contents. */
export const SECRET_CATALOGS = [
  'pg_largeobject',
  'pg_statistic',
  'pg_statistic_ext_data',
  'pg_subscription',
  'pg_user_mapping',
] as const

/** Functions that connect with any connection string as the server's own account. */
export const SECRET_FUNCTIONS = ['dblink_connect_u'] as const
