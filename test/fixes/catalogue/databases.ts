/**
 * Databases that refuse connections,
 * limits, and schemas.
 */
import { altered, type Misconfiguration } from '#test/fixes/misconfiguration.ts'
import { makeDatabase } from '#test/fixes/place.ts'

const missing = { reason: 'database_not_found', item: 'database' } as const
const full = { reason: 'database_unreachable', item: 'database' } as const
const noSchema = { reason: 'schema_not_found', item: 'schema' } as const

/** The misconfigurations of this group. */
export const DATABASES: readonly Misconfiguration[] = [
  {
    title: "The database's name is written in capitals",
    attempt: ({ database }) => ({ database: database.toUpperCase() }),
    says: { ...missing, cause: 'no such database' },
  },
  {
    title: 'The database allows no connections',
    breaks: altered('alter database :database allow_connections false', 'postgres'),
    says: { ...missing, cause: 'does not accept connections at present', fix: ['In another database'] },
  },
  {
    title: 'Dropping the database was interrupted',
    breaks: altered("update pg_catalog.pg_database set datconnlimit = -2 where datname = ':database'", 'postgres'),
    says: { ...missing, cause: 'dropping it was interrupted', fix: ['Drop the database, and restore'] },
    owner: place => ({ restoreDatabase: () => makeDatabase(place.server, place.database, place) }),
  },
  {
    title: 'The role may not connect to the database',
    breaks: altered(
      'revoke connect on database :database from public; grant connect on database :database to :neighbour',
    ),
    says: { ...missing, cause: 'the role may not connect to the database' },
  },
  {
    title: "The role's connection limit is reached",
    breaks: altered('alter role :login connection limit 0'),
    says: { ...full, cause: "the role's own connection limit is reached" },
  },
  {
    title: "The database's connection limit is reached",
    breaks: altered('alter database :database connection limit 0'),
    says: { ...full, cause: "the database's own connection limit is reached" },
  },
  {
    title: 'The catalog was closed to everybody',
    breaks: altered('revoke select on pg_catalog.pg_roles from public'),
    says: { reason: 'byo_role_unreadable', item: 'role_superuser', cause: "the role's attributes could not be read" },
  },
  {
    title: 'The role has no USAGE on the schema',
    breaks: altered('revoke usage on schema app from :login'),
    says: { ...noSchema, cause: 'the role has no USAGE on "app"' },
  },
  {
    title: "The schema's name is written with a capital",
    attempt: () => ({ schema: 'App' }),
    says: { ...noSchema, cause: '"App" does not exist', fix: ['The role may use "app"'] },
  },
]
