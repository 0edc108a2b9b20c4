/**
 * The roles of `vectors/privileges.md` and their kin: the SQL that makes each, and the verdict that it deserves.
 *
 * Every statement runs as the superuser in the database `shop` of `SHOP_SQL`. `:me` stands for the role's own name.
 */
import type { Major } from './postgres.ts'

/** One role, the versions on which it can be made, and what is to be said of it. */
export interface RoleCase {
  readonly name: string
  /** What it is, as the rest of "refuses …" or "passes …". */
  readonly what: string
  readonly majors?: readonly [Major, Major]
  /** Attributes and such, behind `create role :me login password …`. */
  readonly options?: string
  readonly sql?: readonly string[]
  /** Items that fail; none for a role that passes. */
  readonly fails?: readonly string[]
  /** Items of the advisories about the role, where they matter. */
  readonly advises?: readonly string[]
}

/** What a customer's database may look like: an owner, tables with and without row security, views, functions. */
export const SHOP_SQL = `
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

const from16: readonly [Major, Major] = [16, 18]
const before16: readonly [Major, Major] = [13, 15]
const grants = (options: string, role: string) => `grant ${role} to :me with ${options}`

/** Roles that must be refused, and by which line. */
export const UNSAFE_ROLES: readonly RoleCase[] = [
  {
    name: 'root',
    what: 'a superuser',
    options: 'superuser nobypassrls noreplication nocreaterole',
    fails: ['role_superuser'],
  },
  {
    name: 'bypasser',
    what: 'a role with BYPASSRLS',
    options: 'bypassrls',
    fails: ['role_bypassrls'],
  },
  { name: 'sub_boss', what: 'a member of a superuser', sql: ['grant boss to :me'], fails: ['role_membership'] },
  {
    name: 'shy_sub_boss',
    what: 'a member of a superuser that does not inherit',
    options: 'noinherit',
    sql: ['grant boss to :me'],
    fails: ['role_membership'],
  },
  {
    name: 'far_sub_boss',
    what: 'a member of a member of a member of a superuser',
    options: 'noinherit',
    sql: ['grant team to :me'],
    fails: ['role_membership'],
  },
  { name: 'sub_seer', what: 'a member of a BYPASSRLS role', sql: ['grant seer to :me'], fails: ['role_membership'] },
  {
    name: 'far_sub_seer',
    what: 'a member of a member of a BYPASSRLS role that does not inherit',
    options: 'noinherit',
    sql: ['grant watchers to :me'],
    fails: ['role_membership'],
  },
  {
    name: 'heir',
    what: 'an heir of a superuser who may not set the role',
    majors: from16,
    sql: [grants('inherit true, set false', 'boss')],
    fails: ['role_membership'],
  },
  {
    name: 'heir_of_seer',
    what: 'an heir of a BYPASSRLS role who may not set the role',
    majors: from16,
    sql: [grants('inherit true, set false', 'seer')],
    fails: ['role_membership'],
  },
  {
    name: 'admin_of_seer',
    what: 'the mere admin of a BYPASSRLS role',
    majors: from16,
    sql: [grants('inherit false, set false, admin true', 'seer')],
    fails: ['role_membership'],
  },
  {
    name: 'admin_of_crew',
    what: 'the mere admin of a member of a superuser',
    majors: from16,
    sql: [grants('inherit false, set false, admin true', 'crew')],
    fails: ['role_membership'],
  },
  {
    name: 'heir_of_admin',
    what: 'an heir of the admin of a BYPASSRLS role',
    majors: from16,
    sql: [
      'create role stewards nologin',
      'grant seer to stewards with inherit false, set false, admin true',
      grants('inherit true, set false', 'stewards'),
    ],
    fails: ['role_membership'],
  },
  {
    name: 'masked_root',
    what: 'a superuser who logs in as somebody else',
    options: 'superuser',
    sql: ['alter role :me set role = shop_owner'],
    fails: ['role_superuser', 'role_row_security'],
  },
  {
    name: 'masked_bypasser',
    what: 'a BYPASSRLS role that logs in as somebody else',
    options: 'bypassrls',
    sql: ['create role mask nologin', 'grant mask to :me', 'alter role :me set role = mask'],
    fails: ['role_bypassrls'],
  },
  {
    name: 'creator',
    what: 'a role with CREATEROLE before 16',
    majors: before16,
    options: 'createrole',
    fails: ['role_createrole'],
  },
  {
    name: 'sub_creator',
    what: 'a member of a role with CREATEROLE before 16',
    majors: before16,
    options: 'noinherit',
    sql: ['grant maker to :me'],
    fails: ['role_createrole'],
  },
  ...['pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'].map(role => ({
    name: `uses_${role.slice(3)}`,
    what: `a member of ${role}`,
    options: 'noinherit',
    sql: [`grant ${role} to :me`],
    fails: ['role_server_files'],
  })),
  {
    name: 'far_filer',
    what: 'a member of a member of pg_read_server_files',
    sql: ['create role filers nologin', 'grant pg_read_server_files to filers', 'grant filers to :me'],
    fails: ['role_server_files'],
  },
  {
    name: 'exporter',
    what: "a role that may call functions on the server's files",
    sql: [
      'grant execute on function pg_catalog.lo_export(oid, text) to :me',
      'grant execute on function pg_catalog.pg_read_file(text) to :me',
    ],
    fails: ['role_server_files'],
  },
  {
    name: 'far_exporter',
    what: "a role that may set a role which may call functions on the server's files",
    options: 'noinherit',
    sql: [
      'create role exporters nologin',
      'grant execute on function pg_catalog.lo_import(text) to exporters',
      'grant exporters to :me',
    ],
    fails: ['role_server_files'],
  },
  {
    name: 'owner_of_all',
    what: 'a member of the owner of a table whose row security is not forced',
    sql: ['grant shop_owner to :me'],
    fails: ['role_row_security'],
  },
  {
    name: 'shy_owner',
    what: 'a member of such an owner that does not inherit',
    options: 'noinherit',
    sql: ['grant shop_owner to :me'],
    fails: ['role_row_security'],
  },
  {
    name: 'owner',
    what: 'the owner of tables whose row security is not forced',
    sql: [
      'create table app."of ""owner""" (id int)',
      'alter table app."of ""owner""" enable row level security',
      'alter table app."of ""owner""" owner to :me',
    ],
    fails: ['role_row_security'],
  },
  { name: 'streamer', what: 'a role with REPLICATION', options: 'replication', fails: ['role_replication'] },
  {
    name: 'sub_streamer',
    what: 'a member of a role with REPLICATION',
    sql: ['grant copier to :me'],
    fails: ['role_replication'],
  },
  ...['rds_superuser', 'neon_superuser', 'cloudsqlsuperuser', 'azure_pg_admin'].map(role => ({
    name: `in_${role}`,
    what: `a member of ${role}`,
    sql: [`grant ${role} to :me`],
    fails: ['role_provider_admin'],
  })),
  {
    name: 'authenticator',
    what: "a member of Supabase's service_role that does not inherit",
    options: 'noinherit',
    sql: ['grant service_role to :me'],
    fails: ['role_membership', 'role_provider_admin'],
  },
  { name: 'doadmin', what: "a provider's administrator by its name alone", fails: ['role_provider_admin'] },
]

/** Roles that pass, some with advice. */
export const SAFE_ROLES: readonly RoleCase[] = [
  { name: 'modest', what: 'a role that owns nothing and is a member of nothing', advises: [] },
  {
    name: 'reader',
    what: 'a role that may read',
    sql: ['grant usage on schema app to :me', 'grant select on all tables in schema app to :me'],
    advises: [],
  },
  {
    name: 'member',
    what: 'a member of a harmless role',
    sql: ['create role harmless nologin', 'grant harmless to :me'],
    advises: [],
  },
  {
    name: 'admin_of_boss',
    what: 'the mere admin of a superuser, to whom PostgreSQL refuses the grant',
    majors: from16,
    sql: [grants('inherit false, set false, admin true', 'boss')],
    advises: [],
  },
  {
    name: 'paper_member',
    what: 'a member of a superuser who may neither inherit nor set the role',
    majors: from16,
    sql: [grants('inherit false, set false', 'boss')],
    advises: [],
  },
  {
    name: 'tame_creator',
    what: 'a role with CREATEROLE since 16',
    majors: from16,
    options: 'createrole',
    advises: ['role_createrole'],
  },
  {
    name: 'acting',
    what: 'a harmless role that logs in as another harmless one',
    sql: ['create role part nologin', 'grant part to :me', 'alter role :me set role = part'],
    advises: ['role_switched'],
  },
  {
    name: 'all_reader',
    what: 'a member of pg_read_all_data',
    majors: [14, 18],
    sql: ['grant pg_read_all_data to :me'],
    advises: ['role_whole_database'],
  },
  {
    name: 'all_writer',
    what: 'a member of pg_write_all_data',
    majors: [14, 18],
    options: 'noinherit',
    sql: ['grant pg_write_all_data to :me'],
    advises: ['role_whole_database'],
  },
  {
    name: 'plain_owner',
    what: 'the owner of a table without row security',
    sql: ['create table app.mine (id int)', 'alter table app.mine owner to :me'],
    advises: ['role_ownership'],
  },
  {
    name: 'bound_owner',
    what: 'the owner of a table whose row security is forced',
    sql: [
      'create table app.bound (id int)',
      'alter table app.bound enable row level security',
      'alter table app.bound force row level security',
      'alter table app.bound owner to :me',
    ],
    advises: ['role_ownership'],
  },
  {
    name: 'setter',
    what: 'a role that may set a parameter of the superuser',
    majors: [15, 18],
    sql: ['grant set on parameter session_preload_libraries to :me'],
    advises: ['role_parameters'],
  },
  {
    name: 'alterer',
    what: 'a member of a role that may alter the system',
    majors: [15, 18],
    options: 'noinherit',
    sql: [
      'create role tuners nologin',
      'grant alter system on parameter archive_command to tuners',
      'grant tuners to :me',
    ],
    advises: ['role_parameters'],
  },
  { name: 'base_maker', what: 'a role with CREATEDB', options: 'createdb', advises: ['role_createdb'] },
]
