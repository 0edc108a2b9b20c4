/**
 * The SQL that makes a least-privileged role, which passes every check, for whoever has to hand one to the platform.
 *
 * It is pasted and run with an owner's rights: every name is quoted, and no comment carries anybody's text. It is done as a
 * whole or not at all. Called by `datasources.roleSql`, the command `role-sql`, and the `fix` of a refused role.
 */

import type { Provider } from '#server/domain/checks/provider.ts'
import { anonymousBlock, quoteName, quoteText } from '#shared/base/sql-text.ts'
import { paste } from './paste.ts'

/** The placeholder for the new password, for a person to replace. No password is ever put into such SQL. */
export const PASSWORD_PLACEHOLDER = '<a new password>'

/** The kind of role to make. */
export interface RoleSqlRequest {
  /** Null where there is none to name: then the role reads no table yet. */
  readonly schema: string | null
  readonly provider: Provider
  /** Whether the role may read only, or write rows as well. */
  readonly readOnly: boolean
  /** Default: a name that is derived from the database. */
  readonly role?: string | undefined
  /** Default: the database in which the SQL is run. */
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
    "Run this in Neon's SQL editor or psql, as the owner of the tables. A role made in the console or by the API would be a member of neon_superuser.",
    'Neon refuses passwords that are easy to guess.',
  ],
  rds: [
    `Run this in the database ${ADMINISTRATOR}.`,
    'The master user has CREATEROLE and is a member of rds_superuser: keep it.',
  ],
  cloudsql: [
    `Run this in the database ${ADMINISTRATOR}.`,
    'A user made in the console or by gcloud would be a member of cloudsqlsuperuser.',
  ],
  azure: [
    `Run this in the database ${ADMINISTRATOR}.`,
    'The administrator has CREATEROLE and is a member of azure_pg_admin: keep it.',
  ],
}

const FIRST = [
  'Replace the password first: nothing runs before. Nothing is changed where a role of this name exists.',
  'Tables are granted, no views: policies bind the role on tables, but a view, a materialized view and a SECURITY DEFINER',
  'function show what their owner sees. Left out as well are partitions and children that a policy of another table covers.',
]
const LATER = [
  '-- For objects that the role running this makes later: tables, views and partitions, since PostgreSQL has one default for',
  '-- all. Where views or partitions of row-secured tables will be made, leave it out and grant each new table by itself.',
  '-- Where another role makes tables, add "for role" and its name.',
]

/** The name of the role to make for a database, of `[a-z0-9_]` alone and 63 bytes at most. */
export function newRoleName({ readOnly, database }: Pick<RoleSqlRequest, 'readOnly' | 'database'>): string {
  const name = readOnly ? 'mooring_reader' : 'mooring_writer'
  const suffix = database === undefined ? '' : `_${database.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')}`
  return `${name}${suffix}`.slice(0, MAX_NAME - '_2'.length)
}

/**
 * The SQL, one block, ready for psql or a provider's editor once the placeholder is replaced. `notes` are further comments.
 *
 * On 13 to 18, run by a superuser or by a CREATEROLE role with the rights of the owner. Nothing in it needs a superuser.
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
    "  if new_password like '<%>' then raise exception 'Put the new password where its placeholder is.'; end if;",
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

/** Stops in another database: its schemas would be granted there, and CONNECT here. */
function inDatabase(database: string): string[] {
  return [
    `  if pg_catalog.current_database() <> ${quoteText(database)} then`,
    "    raise exception 'Run this in the database that it names.';",
    '  end if;',
  ]
}

/** Tables that policies bind where the role reads them, and that the person who runs this may grant. */
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
