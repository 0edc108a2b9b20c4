/**
 * The place where one misconfiguration is applied and repaired: a database of its own on one of the servers, with the
 * registered login, an uninvolved neighbour, and an owner of the tables.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TlsPair } from '#server/standalone/embedded/certificate.ts'
import type { TestServer } from '#test/support/database/postgres.ts'
import type { MadeCertificate } from '#test/support/dials/odd-certificates.ts'
import type { Attempt } from './attempt.ts'
import type { Pooler } from './pooler.ts'

/** A server with its folder and certificates. */
export interface Server {
  readonly server: TestServer
  readonly dataDirectory: string
  readonly authority: MadeCertificate
  /** Its original certificate for 127.0.0.1 and localhost, issued by the authority. */
  readonly certificate: TlsPair
}

/** One database with its roles. */
export interface Place extends Server {
  readonly database: string
  readonly login: string
  readonly neighbour: string
  readonly owner: string
  /** The connection string of the owner, who has CREATEROLE, created the other two roles, and is not a superuser. */
  readonly ownerUrl: string
  /** The password of all three roles. */
  readonly password: string
  readonly pooler: Pooler | null
  /** Stops everything that a row has started. */
  readonly cleanup: AsyncDisposableStack
  /** A correct registration. */
  readonly attempt: Attempt
  /** Runs SQL as the superuser, by default in the place's database. */
  sql(text: string, database?: string): Promise<Record<string, unknown>[]>
  /** Inserts lines at the top of `pg_hba.conf`. They come into force on the next reload. */
  putAbove(lines: readonly string[]): Promise<void>
  /** Reloads the configuration, and resolves when new sessions use it. */
  reload(): Promise<void>
  /** Makes the server present another certificate, and resolves when it does. */
  show(pair: TlsPair): Promise<void>
  /** Drops the database and all roles, and restores the server's own certificate. */
  restore(): Promise<void>
}

const NEIGHBOURS = 'neighbour'

/** The options of a place; `number` determines its names. */
interface Asked {
  readonly number: number
  readonly login: string
  readonly cleanup: AsyncDisposableStack
  readonly pooler: (place: Place) => Promise<Pooler | null>
}

/** Creates the roles and the database, and a pooler in front of them on request. */
export async function makePlace(entry: Server, asked: Asked): Promise<Place> {
  const { server } = entry
  const tag = String(asked.number).padStart(2, '0')
  const names = { login: `${asked.login}_${tag}`, neighbour: `${NEIGHBOURS}_${tag}`, owner: `owner_${tag}` }
  const database = `shop_${tag}`
  const password = `Tr0ub4dor-${tag}-of-the-shop`
  await server.query(`
    create role ${names.owner} login createrole password '${password}';
    set role ${names.owner};
    create role ${names.login} login password '${password}';
    create role ${names.neighbour} login password '${password}'`)
  await makeDatabase(server, database, names)
  const login = { user: names.login, password, host: '127.0.0.1', port: server.port, database }
  const place: Place = {
    ...entry,
    ...names,
    ...hands(entry, database),
    ownerUrl: Object.assign(new URL(server.adminUrl), { username: names.owner, password }).href,
    database,
    password,
    pooler: null,
    cleanup: asked.cleanup,
    attempt: { ...login, parameters: {}, caCertificate: null, schema: 'app' },
  }
  const pooler = await asked.pooler(place)
  return pooler === null ? place : { ...place, pooler, attempt: { ...place.attempt, port: pooler.port } }
}

type Names = Pick<Place, 'login' | 'neighbour' | 'owner'>

/** Creates the database with its tables, as restoring a backup would. */
export async function makeDatabase(server: TestServer, database: string, names: Names): Promise<void> {
  await server.createDatabase(database)
  await server.query(tables(database, names), database)
}

/** Returns what an owner can do to the server and the database. */
function hands(
  { server, dataDirectory, certificate }: Server,
  database: string,
): Pick<Place, 'sql' | 'putAbove' | 'reload' | 'show' | 'restore'> {
  const sql = (text: string, at = database) => server.query(text, at)
  const hba = join(dataDirectory, 'pg_hba.conf')
  let shown = certificate
  const reload = async () => {
    await reloaded(server, () => sql('select pg_catalog.pg_reload_conf()', 'postgres'))
  }
  const show = async (pair: TlsPair) => {
    shown = pair
    await writeFile(join(dataDirectory, 'server.crt'), pair.cert)
    await writeFile(join(dataDirectory, 'server.key'), pair.key)
    await reload()
  }
  return {
    sql,
    reload,
    show,
    putAbove: async lines => writeFile(hba, `${lines.join('\n')}\n${await readFile(hba, 'utf8')}`),
    async restore() {
      if (shown !== certificate) await show(certificate)
      await sql(`drop database if exists ${database} with (force)`, 'postgres')
      await sql(DROP_ROLES, 'postgres')
    },
  }
}

/** Rows run one after the other, so all such roles belong to this one. */
const DROP_ROLES = `do $$
declare role name;
begin
  for role in select rolname from pg_roles where oid >= 16384 loop execute format('drop role %I', role); end loop;
end $$`

/** The tables on which the abilities of neighbour and owner are measured before and after a fix; see `neighbour.ts`. */
function tables(database: string, { login, neighbour, owner }: Names): string {
  return `
    alter database ${database} owner to ${owner};
    revoke all on schema public from public;
    create schema app authorization ${owner};
    grant usage on schema app to ${login}, ${neighbour};
    set role ${owner};
    create table app.orders (id int primary key, total int not null);
    insert into app.orders values (1, 10), (2, 20);
    create table app.ledger (id int primary key, holder text not null);
    insert into app.ledger values (1, '${neighbour}'), (2, '${login}'), (3, '${neighbour}');
    alter table app.ledger enable row level security;
    create policy own on app.ledger using (holder = current_user);
    create view app.summary as select count(*) as orders from app.orders;
    create function app.total() returns bigint language sql stable as 'select sum(total) from app.orders';
    grant select on app.orders, app.ledger, app.summary to ${login}, ${neighbour};
    grant insert on app.orders to ${neighbour};
    reset role`
}

/** Runs an action that makes the server reload its configuration, and resolves when new sessions use it. */
export async function reloaded<T>(server: TestServer, act: () => Promise<T>): Promise<T> {
  const loaded = async () =>
    String((await server.query('select pg_catalog.pg_conf_load_time()::text as at'))[0]?.['at'])
  const before = await loaded()
  const done = await act()
  // Each query has a session of its own; the postmaster reloads its configuration between two of them.
  while ((await loaded()) === before);
  return done
}
