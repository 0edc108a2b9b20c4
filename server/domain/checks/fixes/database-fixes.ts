/**
 * Fixes for a database that a login did not get: it is missing, disabled or full, or its catalog may not be read. SQL to paste
 * changes only the role and the database that were tried. Called by `dial-fixes.ts`.
 */
import { anonymousBlock, quoteName, quoteText } from '#shared/base/sql-text.ts'
import { type FailureCode, failureSpec } from '#shared/faults/failure.ts'
import { type Fix, lines } from './fix-text.ts'
import { OF_PGBOUNCER } from './login-fixes.ts'

const table = (code: FailureCode) => failureSpec(code).fix

const POOLER_DATABASES =
  'A pooler answered (PgBouncer): it knows only the databases in its configuration. Add a line for it below [databases], and reload it:'

/** A database that does not exist, on the server or on a pooler in front of it. */
export const databaseFix: Fix = ({ database }, { sqlstate }) =>
  sqlstate === OF_PGBOUNCER
    ? lines(table('database_missing'), POOLER_DATABASES, `${poolerName(database)} = host=<the server>`)
    : lines(
        `${table('database_missing')} This lists those of the server, in any of them:`,
        'select datname from pg_catalog.pg_database where datallowconn and not datistemplate order by datname;',
      )

/** PostgreSQL itself reports 55000; a pooler has a setting, a provider a dashboard. */
export const disabledFix: Fix = ({ database }, { sqlstate }) => {
  if (sqlstate === '55000')
    return lines(table('database_disabled'), `alter database ${quoteName(database)} allow_connections true;`)
  const resume = 'Resume or enable the database in the dashboard of its provider.'
  return sqlstate === OF_PGBOUNCER ? `${resume} For PgBouncer, its administrator enables it in its console.` : resume
}

/** In older releases PgBouncer's parser accepts only a plain name. */
function poolerName(database: string): string {
  return /^[A-Za-z0-9_.-]+$/.test(database) ? database : quoteName(database)
}

/** Removes the role's or the database's own limit; the server's limit still applies. */
export const limitFix: Fix = ({ login, database }, { code }) =>
  code === 'role_limit_reached'
    ? lines(table(code), `alter role ${quoteName(login)} connection limit -1;`)
    : lines(table(code), `alter database ${quoteName(database)} connection limit -1;`)

/** Grants this role alone the catalog access that `initdb` gives everyone and that someone has revoked. */
export const catalogFix: Fix = ({ login, database }) =>
  lines(
    `${table('facts_unreadable')} In the database ${quoteName(database)}, as a superuser:`,
    anonymousBlock(`declare relation pg_catalog.regclass;
begin
  grant usage on schema pg_catalog to ${quoteName(login)};
  for relation in
    select i.objoid::pg_catalog.regclass
    from pg_catalog.pg_init_privs i
    join pg_catalog.pg_class c on c.oid = i.objoid and c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
    cross join pg_catalog.aclexplode(i.initprivs) a
    where i.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and i.objsubid = 0
      and a.grantee = 0 and a.privilege_type = 'SELECT'
  loop
    execute pg_catalog.format('grant select on %s to %I', relation, ${quoteText(login)});
  end loop;
end`),
  )
