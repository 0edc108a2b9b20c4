/**
 * Roles that must pass, each with its expected advice:
 * those of `vectors/privileges.md` and similar ones.
 */
import type { Making, RoleCase } from './role-case.ts'

type Passing = (name: string, what: string, making: Making & { advises?: readonly string[] }) => RoleCase

const passing: Passing = (name, what, making) => ({ name, what, fails: [], advises: [], ...making })
const from16 = { majors: [16, 18] } as const
const from15 = { majors: [15, 18] } as const
const from14 = { majors: [14, 18] } as const
const shy = { options: 'noinherit' } as const

/** All safe roles. */
export const SAFE_ROLES: readonly RoleCase[] = [
  passing('modest', 'a role that owns nothing and is a member of nothing', {}),
  passing('reader', 'a role that may read', {
    sql: ['grant usage on schema app to :me', 'grant select on all tables in schema app to :me'],
  }),
  passing('member', 'a member of a harmless role', { sql: ['create role harmless nologin', 'grant harmless to :me'] }),
  passing('admin_of_boss', 'the mere admin of a superuser, to whom PostgreSQL refuses the grant', {
    ...from16,
    sql: ['grant boss to :me with inherit false, set false, admin true'],
  }),
  passing('paper_member', 'a member of a superuser who may neither inherit nor set the role', {
    ...from16,
    sql: ['grant boss to :me with inherit false, set false'],
  }),
  passing('tame_creator', 'a role with CREATEROLE since 16', {
    ...from16,
    options: 'createrole',
    advises: ['role_createrole'],
  }),
  passing('sub_tame_creator', 'a member of a role with CREATEROLE since 16', {
    ...from16,
    sql: ['create role makers createrole nologin', 'grant makers to :me'],
    advises: ['role_createrole'],
  }),
  passing('acting_here', 'a harmless role that logs in as another harmless one in one database', {
    sql: ['create role piece nologin', 'grant piece to :me', 'alter role :me in database shop set role = piece'],
    advises: ['role_switched'],
  }),
  passing('acting', 'a harmless role that logs in as another harmless one', {
    sql: ['create role part nologin', 'grant part to :me', 'alter role :me set role = part'],
    advises: ['role_switched'],
  }),
  passing('all_reader', 'a member of pg_read_all_data', {
    ...from14,
    sql: ['grant pg_read_all_data to :me'],
    advises: ['role_whole_database'],
  }),
  passing('granted_reader', 'a member of pg_read_all_data by the grant of another', {
    ...from16,
    sql: [
      'create role granter nologin',
      'grant pg_read_all_data to granter with admin option',
      'set role granter',
      'grant pg_read_all_data to :me',
      'reset role',
    ],
    advises: ['role_whole_database'],
  }),
  passing('group_reader', 'a member of a member of pg_read_all_data, without INHERIT', {
    ...from14,
    ...shy,
    sql: ['create role readers nologin', 'grant pg_read_all_data to readers', 'grant readers to :me'],
    advises: ['role_whole_database'],
  }),
  passing('all_writer', 'a member of pg_write_all_data, without INHERIT', {
    ...from14,
    ...shy,
    sql: ['grant pg_write_all_data to :me'],
    advises: ['role_whole_database'],
  }),
  passing('plain_owner', 'the owner of a table without row security', {
    sql: ['create table app.mine (id int)', 'alter table app.mine owner to :me'],
    advises: ['role_ownership'],
  }),
  passing('in_plain_owner', 'a member of the owner of such a table', {
    sql: [
      'create role owners nologin',
      'create table app.ours (id int)',
      'alter table app.ours owner to owners',
      'grant owners to :me',
    ],
    advises: ['role_ownership'],
  }),
  passing('bound_owner', 'the owner of a table whose row security is forced', {
    sql: [
      'create table app.bound (id int)',
      'alter table app.bound enable row level security',
      'alter table app.bound force row level security',
      'alter table app.bound owner to :me',
    ],
    advises: ['role_ownership'],
  }),
  passing('setter', "a role that may set a superuser's parameter", {
    ...from15,
    sql: ['grant set on parameter session_preload_libraries to :me'],
    advises: ['role_parameters'],
  }),
  passing('base_maker', 'a role with CREATEDB', { options: 'createdb', advises: ['role_createdb'] }),
]
