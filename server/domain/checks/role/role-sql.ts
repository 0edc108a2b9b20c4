/**
 * The SQL that makes a least-privileged role, which passes every check, for whoever has to hand one to the platform.
 *
 * It is pasted and run with an owner's rights: every name is quoted, and no comment carries anybody's text. Called by
 * `datasources.roleSql`, the command `role-sql`, and the `fix` of a refused role.
 */

import type { Provider } from '#server/domain/checks/provider.ts'
import { anonymousBlock, quoteName, quoteText } from '#shared/base/sql-text.ts'

/** What stands where the new password belongs, for a person to replace. No password is ever put into such SQL. */
export const PASSWORD_PLACEHOLDER = '<a new password>'

/** What kind of role to make. */
export interface RoleSqlRequest {
  readonly schema: string
  readonly provider: Provider
  /** Whether the role may read only, or write rows as well. */
  readonly readOnly: boolean
  /** Default `mooring_reader`, or `mooring_writer` where it may write. */
  readonly role?: string
  /** Default: the database in which the SQL is run. */
  readonly database?: string
}

const WHERE: Readonly<Record<Provider, readonly string[]>> = {
  plain: ['Run this in the database as the owner of its tables or as a superuser.'],
  supabase: [
    "Run this in Supabase's SQL editor, as postgres.",
    'Through the pooler, the user name is that of the role, a dot and the project reference.',
  ],
  neon: [
    "Run this in Neon's SQL editor or psql. A role made in the console or by the API would be a member of neon_superuser.",
    'Neon refuses passwords that are easy to guess.',
  ],
  rds: ['Run this in the database as the owner of its tables. The master user is a member of rds_superuser: keep it.'],
  cloudsql: [
    'Run this in the database as the owner of its tables.',
    'A user made in the console or by gcloud would be a member of cloudsqlsuperuser.',
  ],
  azure: [
    'Run this in the database as the owner of its tables. The administrator is a member of azure_pg_admin: keep it.',
  ],
}

const FIRST = [
  'Replace the password first. Where row security is on, policies bind this role.',
  'Roles are of the whole server: where one of this name exists, replace the name as well.',
]

/**
 * The SQL, one statement after the other, ready for psql or a provider's editor once the placeholder is replaced.
 *
 * On 13 to 18, run by a superuser or by a CREATEROLE role that owns the tables. Nothing in it needs a superuser.
 */
export function roleSql(request: RoleSqlRequest): string {
  const { provider, readOnly, database } = request
  const name = request.role ?? (readOnly ? 'mooring_reader' : 'mooring_writer')
  const role = quoteName(name)
  const schema = quoteName(request.schema)
  const onTables = readOnly ? 'select' : 'select, insert, update, delete'
  const sequences = readOnly
    ? []
    : [
        `grant usage, select on all sequences in schema ${schema} to ${role};`,
        `alter default privileges in schema ${schema} grant usage, select on sequences to ${role};`,
      ]
  return [
    ...[...WHERE[provider], ...FIRST].map(line => `-- ${line}`),
    `create role ${role} login password '${PASSWORD_PLACEHOLDER}'`,
    '  nosuperuser nobypassrls nocreaterole nocreatedb noreplication;',
    database === undefined ? connectHere(name) : `grant connect on database ${quoteName(database)} to ${role};`,
    `grant usage on schema ${schema} to ${role};`,
    `grant ${onTables} on all tables in schema ${schema} to ${role};`,
    '-- For tables made later by whoever runs this; where another role makes them, add "for role" and its name.',
    `alter default privileges in schema ${schema} grant ${onTables} on tables to ${role};`,
    ...sequences,
  ].join('\n')
}

/** Gives a role another password. It stops before anything is done while the placeholder is in it. */
export function newPasswordSql(role: string): string {
  return anonymousBlock(
    `declare new_password pg_catalog.text := '${PASSWORD_PLACEHOLDER}';
begin
  if new_password like '<%>' then raise exception 'Put the new password where its placeholder is.'; end if;
  execute pg_catalog.format('alter role %I password %L', ${quoteText(role)}, new_password);
end`,
  )
}

/** CONNECT on the database in which it is run, which SQL cannot name otherwise. */
function connectHere(role: string): string {
  return anonymousBlock(
    `begin
  execute pg_catalog.format('grant connect on database %I to %I', pg_catalog.current_database(), ${quoteText(role)});
end`,
  )
}
