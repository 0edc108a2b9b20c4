/**
 * The SQL that creates a least-privileged role, which passes every check, for the customer who has to give one to the platform.
 *
 * It runs with an owner's privileges: every name is quoted, and no comment contains anyone's text. It takes effect
 * completely or not at all. Called by `datasources.roleSql`, the command `role-sql`, and the `fix` of a refused role.
 */

import type { Provider } from '#server/domain/checks/provider.ts'
import { anonymousBlock, quoteName, quoteText } from '#shared/base/sql-text.ts'
import { paste } from './pasted-sql.ts'

/** The placeholder for the new password, for a person to replace. Such SQL never contains a password. */
export const PASSWORD_PLACEHOLDER = '<a new password>'

/** The kind of role to create. */
export interface RoleSqlRequest {
  /** Null if there is none to name: the role then reads no tables yet. */
  readonly schema: string | null
  readonly provider: Provider
  /** True for a read-only role, false for one that also writes rows. */
  readonly readOnly: boolean
  /** Default: a name derived from the database. */
  readonly role?: string | undefined
  /** Default: the database in which the SQL runs. */
  readonly database?: string | undefined
}

const MAX_NAME = 63
const ADMINISTRATOR = 'with CREATEROLE and the rights of the owner of its tables'

const WHERE: Readonly<Record<Provider, readonly string[]>> = {
  plain: [`Run this in the database ${ADMINISTRATOR}, or as a superuser.`],
  supabase: [
    "Run this in Supabase's SQL editor, as postgres, which has CREATEROLE and owns the tables.",
    'Through the pooler, the user name is that of the role, a dot and the project reference.',
  ],
  neon: [
    "Run this in Neon's SQL editor or psql, as the owner of the tables. A role created in the console or through the API would be a member of neon_superuser.",
    'Neon refuses passwords that are easy to guess.',
  ],
  rds: [
    `Run this in the database ${ADMINISTRATOR}.`,
    'The master user has CREATEROLE and is a member of rds_superuser: keep it.',
  ],
  cloudsql: [
    `Run this in the database ${ADMINISTRATOR}.`,
    'A user created in the console or with gcloud would be a member of cloudsqlsuperuser.',
  ],
  azure: [
    `Run this in the database ${ADMINISTRATOR}.`,
    'The administrator has CREATEROLE and is a member of azure_pg_admin: keep it.',
  ],
}

const FIRST = [
  'Replace the password first: the script refuses to run before. If a role of this name exists, nothing is changed.',
  'Tables are granted, not views: policies apply to the role on tables, but a view, a materialized view and a SECURITY DEFINER',
  'function show what their owner sees. Partitions and children that a policy of another table covers are left out, too.',
]
const LATER = [
  '-- For objects that the role running this creates later: tables, views and partitions, since PostgreSQL has one default for',
  '-- all. Where views or partitions of row-secured tables will be made, leave it out and grant each new table by itself.',
  '-- If another role creates tables, add "for role" and its name.',
]

/** The name of the role to create for a database: only `[a-z0-9_]`, at most 63 bytes. */
export function newRoleName({ readOnly, database }: Pick<RoleSqlRequest, 'readOnly' | 'database'>): string {
  const name = readOnly ? 'mooring_reader' : 'mooring_writer'
  const suffix = database === undefined ? '' : `_${database.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')}`
  return `${name}${suffix}`.slice(0, MAX_NAME - '_2'.length)
}

/**
 * The SQL, one block, ready for psql or a provider's editor once the placeholder is replaced. `notes` are additional
 * comments.
 *
 * It runs on 13 to 18, as a superuser or as a CREATEROLE role with the owner's privileges. Nothing in it requires a
 * superuser.
 */
export function roleSql(request: RoleSqlRequest, notes: readonly string[] = []): string {
  const { provider, schema, database } = request
  const role = request.role ?? newRoleName(request)
  const name = quoteName(role)
  const attributes = 'nosuperuser nobypassrls nocreaterole nocreatedb noreplication'
  const create = `create role ${name.replaceAll('%', '%%')} login password %L ${attributes}`
  const body = [
    'declare',
    `  new_password pg_catalog.text := '${PASSWORD_PLACEHOLDER}';`,
    '  target pg_catalog.text;',
    'begin',
    "  if new_password like '<%>' then raise exception 'Replace the placeholder with the new password.'; end if;",
    `  if exists (select from pg_catalog.pg_roles r where r.rolname = ${quoteText(role)}) then`,
    "    raise exception 'A role of this name exists on the server. Replace the name wherever it occurs here.';",
    '  end if;',
    ...(database === undefined ? [] : inDatabase(database)),
    `  execute pg_catalog.format(${quoteText(create)}, new_password);`,
    ...(database === undefined
      ? [
          `  execute pg_catalog.format('grant connect on database %I to %I', pg_catalog.current_database(), ${quoteText(role)});`,
        ]
      : [`  grant connect on database ${quoteName(database)} to ${name};`]),
    ...(schema === null ? [] : schemaGrants({ ...request, schema }, role)),
    'end',
  ]
  const noSchema =
    schema === null ? ['It reads no table yet: grant usage on the schema, and select on its tables.'] : []
  return paste([...notes, ...WHERE[provider], ...FIRST, ...noSchema], anonymousBlock(body.join('\n')))
}

/** Stops in any other database: its schemas would be granted there, and CONNECT here. */
function inDatabase(database: string): string[] {
  return [
    `  if pg_catalog.current_database() <> ${quoteText(database)} then`,
    "    raise exception 'Run this in the database that it names.';",
    '  end if;',
  ]
}

/** Grants tables whose policies apply when the role reads them, as far as the person who runs this may grant them. */
function schemaGrants({ schema, readOnly }: RoleSqlRequest & { schema: string }, role: string): string[] {
  const [inSchema, name] = [quoteName(schema), quoteName(role)]
  const onTables = readOnly ? 'select' : 'select, insert, update, delete'
  return [
    `  grant usage on schema ${inSchema} to ${name};`,
    '  for target in',
    `    with recursive covered (oid) as (
      select c.oid from pg_catalog.pg_class c where c.relrowsecurity
      union
      select i.inhrelid from covered t join pg_catalog.pg_inherits i on i.inhparent = t.oid
    ), covering (oid) as (
      select c.oid from pg_catalog.pg_class c where c.relrowsecurity
      union
      select i.inhparent from covering t join pg_catalog.pg_inherits i on i.inhrelid = t.oid
    )
    select pg_catalog.format(case c.relkind when 'S' then 'sequence %I.%I' else 'table %I.%I' end, n.nspname, c.relname)
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${quoteText(schema)} and pg_catalog.pg_has_role(c.relowner, 'usage')
      and (c.relkind in ('r', 'p') and (c.relrowsecurity
          or c.oid not in (select t.oid from covered t union all select t.oid from covering t))${readOnly ? '' : "\n        or c.relkind = 'S'"})
    order by 1`,
    '  loop',
    readOnly
      ? `    execute pg_catalog.format('grant select on %s to %I', target, ${quoteText(role)});`
      : `    execute pg_catalog.format('grant %s on %s to %I', case when target like 'sequence %' then 'usage, select' else '${onTables}' end, target, ${quoteText(role)});`,
    '  end loop;',
    ...LATER.map(line => `  ${line}`),
    `  alter default privileges in schema ${inSchema} grant ${onTables} on tables to ${name};`,
    ...(readOnly
      ? []
      : [`  alter default privileges in schema ${inSchema} grant usage, select on sequences to ${name};`]),
  ]
}

/** Sets a new password for a role. It stops before doing anything if the placeholder is still in it. */
export function newPasswordSql(role: string): string {
  return anonymousBlock(
    `declare new_password pg_catalog.text := '${PASSWORD_PLACEHOLDER}';
begin
  if new_password like '<%>' then raise exception 'Replace the placeholder with the new password.'; end if;
  execute pg_catalog.format('alter role %I password %L', ${quoteText(role)}, new_password);
end`,
  )
}
