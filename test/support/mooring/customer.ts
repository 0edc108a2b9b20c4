/**
 * A customer's database on the shared server: a schema, an owner who cannot log in, the least-privileged role that a
 * customer is asked for, and a superuser as some customers register it.
 *
 * Roles belong to the whole server, so their names are new each time.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { databaseUrl, query, quoted } from '#test/support/database/postgres.ts'

/** The role that logs in. */
export type CustomerRole = 'reader' | 'superuser'

/** The parts of a connection string that differ from the valid one. */
export interface Otherwise {
  readonly host?: string
  readonly port?: number
  readonly user?: string
  readonly password?: string
  readonly database?: string
  /** The query part, such as `sslmode=disable`; by default none. */
  readonly parameters?: string
}

/** A customer's database. */
export interface Customer {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly database: string
  /** The schema with the tables; the reader may use it. */
  readonly schema: 'app'
  readonly roles: Readonly<Record<CustomerRole | 'owner', string>>
  /** The password of each role that logs in. */
  readonly password: string
  /** A connection string, by default the reader's, which is valid. */
  url(role?: CustomerRole, otherwise?: Otherwise): string
  /** Runs SQL in the database as the server's superuser. */
  sql(text: string): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

/**
 * Creates a customer's database. The caller drops it. `password` is set when a test searches for it afterwards, and
 * `adminUrl` when no test runner shares a server.
 */
export async function makeCustomer(
  password = randomBytes(12).toString('base64url'),
  adminUrl = inject('adminUrl'),
): Promise<Customer> {
  const tag = randomUUID().slice(0, 8)
  const database = `shop_${tag}`
  const roles = { owner: `owner_${tag}`, reader: `reader_${tag}`, superuser: `super_${tag}` }
  const secret = password.replaceAll("'", "''")
  await query(
    adminUrl,
    `create role ${roles.owner} nologin;
     create role ${roles.reader} login password '${secret}';
     create role ${roles.superuser} superuser login password '${secret}'`,
  )
  await query(adminUrl, `create database ${database} owner ${roles.owner}`)
  const own = databaseUrl(adminUrl, database)
  await query(
    own,
    `revoke all on schema public from public; grant usage on schema public to ${roles.reader};
     create schema app authorization ${roles.owner}; grant usage on schema app to ${roles.reader};
     create table app.orders (id int primary key, placed_at timestamptz not null default now());
     alter table app.orders owner to ${roles.owner}; grant select on app.orders to ${roles.reader}`,
  )
  const port = Number(new URL(adminUrl).port)
  return {
    host: '127.0.0.1',
    port,
    database,
    schema: 'app',
    roles,
    password,
    url: (role = 'reader', otherwise = {}) =>
      format({ host: '127.0.0.1', port, user: roles[role], password, database, ...otherwise }),
    sql: text => query(own, text),
    drop: async () => {
      await query(adminUrl, `drop database ${quoted(database)} with (force)`)
      await query(adminUrl, `drop role ${roles.reader}, ${roles.superuser}, ${roles.owner}`)
    },
  }
}

function format({
  user,
  password,
  parameters,
  host,
  port,
  database,
}: Required<Omit<Otherwise, 'parameters'>> & Otherwise): string {
  const encoded = [user, password].map(encodeURIComponent).join(':')
  const query = parameters === undefined ? '' : `?${parameters}`
  return `postgresql://${encoded}@${host}:${port}/${encodeURIComponent(database)}${query}`
}
