/**
 * The SQL that takes a privilege from a login with as little effect on others as possible: the login's own grants are
 * revoked; grants that it passed on are granted again by the owner; a group that has the privilege keeps it, and the
 * login leaves the group. Only a privilege granted to PUBLIC must be revoked from PUBLIC.
 */
import { quoteText } from '#shared/base/sql-text.ts'
import { constants, runEach } from './pasted-sql.ts'

/** The privileges to take. */
export interface TakenRights {
  readonly login: string
  /** Privileges as named in access lists. */
  readonly privileges: readonly string[]
  /**
   * A query for the objects: `name` as `grant … on` takes it, `acl`, `owner`, and whether the access list is that of a
   * `whole` object.
   */
  readonly objects: string
  readonly serverVersionNum: number
}

/** The notes that a reader of such SQL needs. */
export const REVOKING = [
  'Where a group has the right, the login leaves the group, and loses what else it has from there: grant that singly.',
  'Where PUBLIC has the right, everybody loses it: grant it first to those who need it.',
]

const memberIs = (login: string, role: string) => `pg_catalog.pg_has_role(${quoteText(login)}, ${role}, 'member')`

/** A block that revokes privileges. */
export function takeRights({ login, privileges, objects, serverVersionNum }: TakenRights): string {
  const oid = `(select r.oid from pg_catalog.pg_roles r where r.rolname = ${quoteText(login)})`
  const grantee = `case r.grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.grantee)) end`
  return runEach(`with object (name, acl, owner, whole) as (
${objects}
),
granted as (
  select o.name, o.owner, o.whole, a.grantor, a.grantee, a.privilege_type, a.is_grantable, l.oid as login
  from object o cross join pg_catalog.aclexplode(o.acl) a cross join (select ${oid} as oid) l
  where a.privilege_type in (${constants(privileges)}) and a.grantee <> o.owner
    and (a.grantee = 0 or a.grantor = l.oid or ${memberIs(login, 'a.grantee')})
)
select s.statement from (
  select distinct 1 as step, pg_catalog.format('grant %s on %s to %s%s', r.privilege_type, r.name, ${grantee},
    case when r.is_grantable then ' with grant option' else '' end) as statement
  from granted r
  where r.whole and r.grantor = r.login and r.grantee not in (0, r.login)
  union all
  select distinct 2, case when r.grantor = r.owner then q.statement else pg_catalog.concat(
    'set local role ', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.grantor)), '; ', q.statement, '; set local role none') end
  from granted r cross join lateral (
    select pg_catalog.format('revoke %s on %s from %s cascade', r.privilege_type, r.name, ${grantee}) as statement) q
  where r.grantee in (0, r.login)
  union all
  select distinct 3, m.statement
  from (${memberships(login, serverVersionNum)}) m (statement, roleid)
  join granted r on r.grantee not in (0, r.login)
    and pg_catalog.pg_has_role(m.roleid, r.grantee, 'member')
) s
order by s.step`)
}

/** A block that ends the memberships through which the login reaches roles. */
export function leaveRoles(login: string, roles: readonly string[], serverVersionNum: number): string {
  return runEach(`select distinct m.statement
from (${memberships(login, serverVersionNum)}) m (statement, roleid)
join pg_catalog.pg_roles r on r.rolname in (${constants(roles)}) and pg_catalog.pg_has_role(m.roleid, r.oid, 'member')`)
}

/** The statements that end the login's own memberships. Since 16 each membership has a grantor. */
function memberships(login: string, serverVersionNum: number): string {
  const [words, grantor] =
    serverVersionNum >= 160_000 ? [' granted by %I', ', pg_catalog.pg_get_userbyid(m.grantor)'] : ['', '']
  return `
    select pg_catalog.format('revoke %I from %I${words} cascade', g.rolname, l.rolname${grantor}), g.oid
    from pg_catalog.pg_auth_members m
    join pg_catalog.pg_roles g on g.oid = m.roleid
    join pg_catalog.pg_roles l on l.oid = m.member and l.rolname = ${quoteText(login)}
  `
}
