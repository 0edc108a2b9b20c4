/**
 * The SQL that mends a role: exact statements for a person to paste, each for one thing that was found.
 *
 * Names are quoted and never stand in a comment; there is no password in any of it. What is called is qualified: in the
 * session of the superuser who pastes it, a better match in another schema would run as him (CVE-2018-1058).
 */

import type { Provider } from '#server/domain/checks/provider.ts'
import { anonymousBlock, quoteName, quoteText } from '#shared/base/sql-text.ts'
import { roleSql } from './role-sql.ts'

/** Whose role is to be mended, and where. */
export interface Subject {
  /** The role's name inside the database. */
  readonly login: string
  readonly provider: Provider
  readonly database: string
  /** The schema that the role should use; null where none was named. */
  readonly schema: string | null
  readonly serverVersionNum: number
}

const NEW_ROLE = 'mooring_reader'

/** Makes another role, which passes. The one fix that helps whatever is wrong with this one, and at every provider. */
export function replaceRole({ login, provider, database, schema }: Subject): string {
  const role = login === NEW_ROLE ? `${NEW_ROLE}_2` : NEW_ROLE
  return [
    '-- Make a role for the platform alone, and register again with its name and password. It may read only: where the',
    '-- platform writes, grant insert, update and delete as well.',
    roleSql({ provider, database, schema: schema ?? 'public', readOnly: true, role }),
  ].join('\n')
}

/** Takes an attribute of the role's own away. Providers keep that for themselves, so theirs is another role. */
export function takeAttribute(subject: Subject, attribute: 'bypassrls' | 'replication' | 'createrole'): string {
  return subject.provider === 'plain' ? `alter role ${quoteName(subject.login)} no${attribute};` : replaceRole(subject)
}

/** Takes the right to call functions on the server's files from the role, from what it is a member of, and from all. */
export function revokeFileFunctions(subject: Subject, functions: readonly string[]): string {
  const names = functions.map(quoteText).join(', ')
  return anonymousBlock(`declare statement text;
begin
  for statement in
    select pg_catalog.format('revoke execute on function %s from %s cascade', p.oid::pg_catalog.regprocedure,
      case a.grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) end)
    from pg_catalog.pg_proc p cross join pg_catalog.aclexplode(p.proacl) a
    where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace and p.proname in (${names}) and a.grantee <> p.proowner
      and (a.grantee = 0 or pg_catalog.pg_has_role(${quoteText(subject.login)}, a.grantee, 'member'))
  loop
    execute statement;
  end loop;
end`)
}

/** Binds the owner of tables by their row security as well. `tables` are quoted already. */
export function forceRowSecurity(tables: readonly string[], count: number): string {
  const rest = count - tables.length
  return [
    ...tables.map(table => `alter table ${table} force row level security;`),
    ...(rest > 0 ? [`-- There are ${rest} more. Verify again for their names.`] : []),
  ].join('\n')
}
