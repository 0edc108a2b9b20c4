/**
 * Which provider runs a database, recognised by its host and, failing that, by the `dbType` that the caller gave.
 *
 * It chooses the wording and the SQL of a `fix` and never a verdict: near-superusers are refused by name wherever they
 * occur. Called by the judging of roles and by
 * whatever prints role SQL.
 */

/** The providers whose ways with roles are known; `plain` is every other PostgreSQL. */
export const PROVIDERS = ['supabase', 'neon', 'rds', 'cloudsql', 'azure', 'plain'] as const
/** One of them. */
export type Provider = (typeof PROVIDERS)[number]

const HOSTS: readonly (readonly [Provider, RegExp])[] = [
  ['supabase', /\.supabase\.(co|com)$/],
  ['neon', /\.neon\.(tech|build)$/],
  ['rds', /\.rds(-fips)?\.([a-z0-9-]+\.)?amazonaws\.com(\.cn)?$/],
  ['cloudsql', /\.(sql|alloydb|alloydb-psc)\.goog$/],
  ['azure', /\.postgres\.(database|cosmos)\.(azure\.com|chinacloudapi\.cn|usgovcloudapi\.net)$/],
]

const DB_TYPES: Readonly<Record<string, Provider>> = {
  supabase: 'supabase',
  postgres_gcp: 'cloudsql',
  postgresql_aws: 'rds',
}

/** The provider of a database. The host decides where it says something, since `dbType` is only what somebody chose. */
export function recogniseProvider(host: string, dbType: string): Provider {
  const byHost = HOSTS.find(([, pattern]) => pattern.test(host.toLowerCase()))
  return byHost?.[0] ?? (Object.hasOwn(DB_TYPES, dbType) ? (DB_TYPES[dbType] ?? 'plain') : 'plain')
}

/** The name that a user of the connection string has inside the database: Supabase's pooler takes `role.project`. */
export function roleOfUser(user: string, host: string): string {
  const end = host.toLowerCase().endsWith('.pooler.supabase.com') ? user.lastIndexOf('.') : -1
  return end > 0 ? user.slice(0, end) : user
}

/**
 * Roles that are all but superusers at one provider or another: they make roles, read every row, or hand out such roles.
 * Each is `[a-z_]+`, so that the list can stand in SQL as it is.
 */
export const PROVIDER_ADMIN_ROLES = [
  'alloydbadmin',
  'alloydbsuperuser',
  'avnadmin',
  'azure_pg_admin',
  'azure_superuser',
  'azuresu',
  'cloud_admin',
  'cloudsqladmin',
  'cloudsqlsuperuser',
  'databricks_superuser',
  'doadmin',
  'neon_superuser',
  'rds_replication',
  'rds_superuser',
  'rdsadmin',
  'service_role',
  'supabase_admin',
  'supabase_etl_admin',
  'supabase_replication_admin',
  'supabase_superuser',
  'tsdbadmin',
] as const
