/**
 * Roles that bypass row security, or that
 * reach beyond the database.
 */
import { altered, type Misconfiguration } from '#test/fixes/misconfiguration.ts'

const unbound = { reason: 'byo_role_cannot_enforce_rls' } as const

/** The misconfigurations of this group. */
export const ROLES: readonly Misconfiguration[] = [
  {
    title: 'The role is a superuser',
    breaks: altered('alter role :login superuser'),
    says: { ...unbound, item: 'role_superuser', cause: 'a superuser' },
  },
  {
    title: 'The role has BYPASSRLS',
    breaks: altered('alter role :login bypassrls'),
    says: { ...unbound, item: 'role_bypassrls', cause: 'has BYPASSRLS' },
  },
  {
    title: 'The role has REPLICATION',
    breaks: altered('alter role :login replication'),
    says: { ...unbound, item: 'role_replication', cause: 'has REPLICATION' },
  },
  {
    title: 'The role is a member of a superuser',
    breaks: altered('create role boss_:tag superuser nologin; grant boss_:tag to :login'),
    says: { ...unbound, item: 'role_membership', cause: 'a superuser' },
  },
  {
    title: 'The role logs in as a superuser of another name',
    breaks: altered(
      'create role mask_:tag superuser nologin; grant mask_:tag to :login; alter role :login set role = mask_:tag',
    ),
    says: { ...unbound, item: 'role_membership', cause: 'a superuser' },
  },
  {
    title: 'The role may run programs of the server',
    breaks: altered('grant pg_execute_server_program to :login'),
    says: { ...unbound, item: 'role_server_files', cause: 'pg_execute_server_program' },
  },
  {
    title: "The role may read the server's files",
    breaks: altered('grant execute on function pg_catalog.pg_read_file(text) to :login'),
    says: { ...unbound, item: 'role_server_files', cause: 'pg_read_file' },
  },
  {
    title: 'The role makes roles, before PostgreSQL 16',
    server: 'older',
    breaks: altered('alter role :login createrole'),
    says: { ...unbound, item: 'role_createrole', cause: 'has CREATEROLE' },
  },
  {
    title: "The role is a member of the provider's administrators",
    breaks: altered('create role azure_pg_admin nologin; grant azure_pg_admin to :login'),
    says: { ...unbound, item: 'role_provider_admin', cause: 'azure_pg_admin' },
  },
  {
    title: 'The role owns a table whose row security is not forced',
    breaks: altered(
      'create table app.drafts (id int primary key); alter table app.drafts enable row level security; alter table app.drafts owner to :login',
    ),
    says: { ...unbound, item: 'role_row_security', cause: 'whose row security does not bind the owner' },
  },
]
