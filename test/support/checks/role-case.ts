/**
 * The description of a role for the tests of privileges, and the customer's database in which they create it.
 *
 * Statements run as the superuser in the database `shop`; `:me` is the role's own name.
 */
import type { Major } from '#test/support/database/postgres.ts'

/** How a role is created, beyond its name and password. */
export interface Making {
  /** Attributes, after `create role :me login password …`. */
  readonly options?: string
  readonly sql?: readonly string[]
  /** The versions on which it can be created. Default: all. */
  readonly majors?: readonly [Major, Major]
}

/** One role, and its expected verdict. */
export interface RoleCase extends Making {
  readonly name: string
  /** Its description, as the end of "refuses …" or "lets pass …". */
  readonly what: string
  /** Items whose lines fail; none for a role that passes. */
  readonly fails: readonly string[]
  /** Items of the advisories about a role that passes. */
  readonly advises: readonly string[]
}

/** A typical customer's database: groups, an owner, tables with row security off, on, and forced. */
export const SHOP_SQL = `
create role nobody nologin;
create role shop_owner nologin;
create role boss superuser nologin;
create role seer bypassrls nologin;
create role maker createrole nologin;
create role copier replication nologin;
create role team nologin;
create role crew nologin;
create role rds_superuser nologin;
create role neon_superuser nologin;
create role cloudsqlsuperuser nologin;
create role azure_pg_admin nologin;
create role service_role nologin bypassrls;
grant boss to crew;
grant crew to team;
create role watchers nologin;
grant seer to watchers;
create schema app authorization shop_owner;
set role shop_owner;
create table app.plain (id int primary key, tenant text);
create table app.secret (id int primary key, tenant text);
alter table app.secret enable row level security;
create policy own on app.secret using (tenant = current_user);
create table app.forced (id int primary key, tenant text);
alter table app.forced enable row level security;
alter table app.forced force row level security;
create view app.harmless as select id from app.plain;
reset role;
insert into app.secret values (1, 'one'), (2, 'two');
`
