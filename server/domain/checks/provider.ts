/**
 * Recognises the provider that runs a database by its host and, failing that, by the `dbType` that the caller gave.
 *
 * It selects the wording and the SQL of a `fix` and never a verdict: near-superusers are refused by name wherever they
 * occur. Called by the judging of roles and by everything that prints role SQL.
 */

/** The providers whose role conventions are known; `plain` is any other PostgreSQL. */
export const PROVIDERS = ['supabase', 'neon', 'rds', 'cloudsql', 'azure', 'plain'] as const
/** The name of a provider. */
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

/** The provider of a database. The host takes precedence, since `dbType` is merely a caller's choice. */
export function recogniseProvider(host: string, dbType: string): Provider {
  const byHost = HOSTS.find(([, pattern]) => pattern.test(host.toLowerCase()))
  return byHost?.[0] ?? (Object.hasOwn(DB_TYPES, dbType) ? (DB_TYPES[dbType] ?? 'plain') : 'plain')
}

/** The name of the connection string's user inside the database: Supabase's pooler takes `role.project`. */
export function roleOfUser(user: string, host: string): string {
  const end = host.toLowerCase().endsWith('.pooler.supabase.com') ? user.lastIndexOf('.') : -1
  return end > 0 ? user.slice(0, end) : user
}

/**
 * Near-superuser roles of the providers: they create roles, read every row, or grant such roles. Each name matches
 * `[a-z_]+`, so that the list can be embedded in SQL unquoted.
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
