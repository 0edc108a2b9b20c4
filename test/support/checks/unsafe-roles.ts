/**
 * Roles that must be refused, each with the line that refuses it: those of `vectors/privileges.md` and similar ones.
 */
import type { Making, RoleCase } from './role-case.ts'

type Refused = (name: string, what: string, making: Making & { fails: readonly string[] }) => RoleCase

const refused: Refused = (name, what, making) => ({ name, what, advises: [], ...making })
const from16 = { majors: [16, 18] } as const
const before16 = { majors: [13, 15] } as const
const shy = { options: 'noinherit' } as const

/** Grants only the admin option of a role, neither its rights nor SET. */
const admin = (role: string, to = ':me') => `grant ${role} to ${to} with inherit false, set false, admin true`
const heir = (role: string) => `grant ${role} to :me with inherit true, set false`

const BY_ATTRIBUTE = [
  refused('root', 'a superuser', { options: 'superuser', fails: ['role_superuser'] }),
  refused('bypasser', 'a role with BYPASSRLS', { options: 'bypassrls', fails: ['role_bypassrls'] }),
  refused('masked_root', 'a superuser who logs in as somebody else', {
    options: 'superuser',
    sql: ['alter role :me set role = shop_owner'],
    fails: ['role_superuser', 'role_row_security'],
  }),
  refused('masked_bypasser', 'a BYPASSRLS role that logs in as somebody else', {
    options: 'bypassrls',
    sql: ['create role mask nologin', 'grant mask to :me', 'alter role :me set role = mask'],
    fails: ['role_bypassrls'],
  }),
  refused('creator', 'a role with CREATEROLE before 16', {
    ...before16,
    options: 'createrole',
    fails: ['role_createrole'],
  }),
  refused('streamer', 'a role with REPLICATION', { options: 'replication', fails: ['role_replication'] }),
  refused('doadmin', "a provider's administrator by its name alone", { fails: ['role_provider_admin'] }),
]

const fails = ['role_membership']
const BY_MEMBERSHIP = [
  refused('sub_boss', 'a member of a superuser', { sql: ['grant boss to :me'], fails }),
  refused('shy_sub_boss', 'a member of a superuser, without INHERIT', { ...shy, sql: ['grant boss to :me'], fails }),
  refused('far_sub_boss', 'a superuser at the third remove, without INHERIT', {
    ...shy,
    sql: ['grant team to :me'],
    fails,
  }),
  refused('sub_seer', 'a member of a BYPASSRLS role', { sql: ['grant seer to :me'], fails }),
  refused('far_sub_seer', 'a BYPASSRLS role at the second remove', { ...shy, sql: ['grant watchers to :me'], fails }),
  refused('heir', 'an heir of a superuser who may not set the role', { ...from16, sql: [heir('boss')], fails }),
  refused('heir_of_seer', 'an heir of a BYPASSRLS role who may not set the role', {
    ...from16,
    sql: [heir('seer')],
    fails,
  }),
  refused('admin_of_seer', 'the mere admin of a BYPASSRLS role', { ...from16, sql: [admin('seer')], fails }),
  refused('admin_of_crew', 'the mere admin of a member of a superuser', { ...from16, sql: [admin('crew')], fails }),
  refused('heir_of_admin', 'an heir of the admin of a BYPASSRLS role', {
    ...from16,
    sql: ['create role stewards nologin', admin('seer', 'stewards'), heir('stewards')],
    fails,
  }),
  refused('sub_creator', 'a member of a role with CREATEROLE before 16', {
    ...before16,
    ...shy,
    sql: ['grant maker to :me'],
    fails: ['role_createrole'],
  }),
  refused('sub_streamer', 'a member of a role with REPLICATION', {
    sql: ['grant copier to :me'],
    fails: ['role_replication'],
  }),
  ...['rds_superuser', 'neon_superuser', 'cloudsqlsuperuser', 'azure_pg_admin'].map(role =>
    refused(`in_${role}`, `a member of ${role}`, { sql: [`grant ${role} to :me`], fails: ['role_provider_admin'] }),
  ),
  refused('authenticator', "a member of Supabase's service_role, without INHERIT", {
    ...shy,
    sql: ['grant service_role to :me'],
    fails: ['role_membership', 'role_provider_admin'],
  }),
]

const BY_SERVER_FILES = [
  ...['pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'].map(role =>
    refused(`uses_${role.slice(3)}`, `a member of ${role}`, {
      ...shy,
      sql: [`grant ${role} to :me`],
      fails: ['role_server_files'],
    }),
  ),
  refused('far_filer', 'a member of a member of pg_read_server_files', {
    sql: ['create role filers nologin', 'grant pg_read_server_files to filers', 'grant filers to :me'],
    fails: ['role_server_files'],
  }),
  refused('exporter', "a role that may call functions on the server's files", {
    sql: [
      'grant execute on function pg_catalog.lo_export(oid, text) to :me',
      'grant execute on function pg_catalog.pg_read_file(text) to :me',
    ],
    fails: ['role_server_files'],
  }),
  refused('exporter_for_others', 'a role that may grant such a function on, and did', {
    sql: [
      'create role others nologin',
      'grant execute on function pg_catalog.lo_export(oid, text) to :me with grant option',
      'set role :me',
      'grant execute on function pg_catalog.lo_export(oid, text) to others',
      'reset role',
    ],
    fails: ['role_server_files'],
  }),
  refused('lister', "a role that may list the server's folders", {
    sql: [
      'grant execute on function pg_catalog.pg_ls_dir(text) to :me',
      'grant execute on function pg_catalog.pg_stat_file(text) to :me',
    ],
    fails: ['role_server_files'],
  }),
  refused('packer', "a role that may call an extension's function on the server's files", {
    majors: [13, 16],
    sql: [
      'create extension adminpack',
      'grant execute on function pg_catalog.pg_file_write(text, text, boolean) to :me',
    ],
    fails: ['role_server_files'],
  }),
  refused('alterer', 'a member of a role that may alter the command that archives', {
    majors: [15, 18],
    ...shy,
    sql: [
      'create role tuners nologin',
      'grant alter system on parameter archive_command to tuners',
      'grant tuners to :me',
    ],
    fails: ['role_server_files'],
  }),
  refused('anybody', 'any role where such a function was granted to all', {
    sql: ['grant execute on function pg_catalog.pg_read_binary_file(text) to public'],
    fails: ['role_server_files'],
  }),
  refused('far_exporter', 'a role that may set a role which may call such functions', {
    ...shy,
    sql: [
      'create role exporters nologin',
      'grant execute on function pg_catalog.lo_import(text) to exporters',
      'grant exporters to :me',
    ],
    fails: ['role_server_files'],
  }),
]

const BY_OWNING = [
  refused('owner', 'the owner of a table whose row security is not forced', {
    sql: [
      'create table app."of ""owner""" (id int)',
      'alter table app."of ""owner""" enable row level security',
      'alter table app."of ""owner""" owner to :me',
    ],
    fails: ['role_row_security'],
  }),
  refused('in_owner', 'a member of such an owner', { sql: ['grant shop_owner to :me'], fails: ['role_row_security'] }),
  refused('shy_in_owner', 'a member of such an owner, without INHERIT', {
    ...shy,
    sql: ['grant shop_owner to :me'],
    fails: ['role_row_security'],
  }),
]

/** All unsafe roles. */
export const UNSAFE_ROLES: readonly RoleCase[] = [...BY_ATTRIBUTE, ...BY_MEMBERSHIP, ...BY_SERVER_FILES, ...BY_OWNING]
