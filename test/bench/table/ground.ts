/**
 * The loads for the rows of the web tier, against the product and against the limits' process. Created once for each
 * site.
 */
import { listDatasources } from '#server/store/datasources/datasource-list.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { query } from '#test/support/database/postgres.ts'
import type { Load } from './load.ts'
import { runLoad, type Variant } from './measure.ts'
import type { Caller, Site } from './site.ts'
import { statementOf } from './statements.ts'

const CONNECTIONS = 16
/** The number of datasources in the organization that is listed. */
export const LISTED = 100

const string = (name: string) => `postgresql://app:secret@db.acme.io/${name}`

/** How to call each dialect. */
export const DIALECTS = {
  datasources: {
    path: '/v1/datasources',
    body: (name: string) => ({ connectionString: string(name) }),
    one: (uuid: string) => `/v1/datasources/ds_test_${uuid.replaceAll('-', '')}`,
    list: '/v1/datasources?limit=100',
  },
  connections: {
    path: '/api/v1/connections',
    body: (name: string) => ({ name: 'shop', db_type: 'postgresql', connection_string: string(name) }),
    one: (uuid: string) => `/api/v1/connections/${uuid}`,
    list: '/api/v1/connections',
  },
} as const

/** The name of a dialect. */
export type DialectName = keyof typeof DIALECTS

/** The loads of both sides. */
export interface Ground {
  /** Returns a load for the product, and one for the limits' process. */
  ours(load: Asked): Variant
  limit(load: Asked & { on?: 'trpc' }): Variant
  readonly id: string
  readonly listed: Caller
}

interface Asked extends Pick<Load, 'paths'> {
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly caller?: Caller
}

const grounds = new WeakMap<Site, Promise<Ground>>()

/** Returns the loads of a site. */
export function groundOf(site: Site): Promise<Ground> {
  const ground = grounds.get(site) ?? makeGround(site)
  grounds.set(site, ground)
  return ground
}

async function makeGround(site: Site): Promise<Ground> {
  const { caller, databaseUrl, web } = site
  const listed = await site.newCaller('Listed')
  const ours = ({ body, headers = {}, caller: by = caller, paths }: Asked): Variant => ({
    pid: web.pid,
    load: {
      ...loadOf(paths, body),
      port: web.port,
      headers: { ...JSON_BODY, ...headers, authorization: `Bearer ${by.key}` },
    },
  })
  await runLoad(site, ours({ paths: ['/v1/datasources'], body: DIALECTS.datasources.body('one') }).load, {
    requests: 1,
  })
  const paths = ['/v1/datasources']
  await runLoad(site, ours({ paths, body: DIALECTS.datasources.body('shop_{n}'), caller: listed }).load, {
    requests: LISTED,
  })
  const id = await idOf(site, `org_id = '${caller.id}' and database = 'one'`)
  const bare = await site.startBare({
    bytes: await registeredBytes(site, id),
    statements: {
      read: await statementOf(databaseUrl, db => datasources.find(db, caller.id, { id })),
      list: await statementOf(databaseUrl, db => listDatasources(db, listed.id, { limit: LISTED + 1 })),
    },
  })
  const limit = ({ on, ...asked }: Asked & { on?: 'trpc' }) => limitOf(bare, { ...asked, on: on ?? 'bare' })
  return { ours, limit, id, listed }
}

/** Returns a load for the limits' process. */
export function limitOf(
  bare: Awaited<ReturnType<Site['startBare']>>,
  { paths, body, on }: Pick<Asked, 'paths' | 'body'> & { on: 'bare' | 'trpc' },
): Variant {
  return { pid: bare.pid, load: { ...loadOf(paths, body), port: bare[on], headers: JSON_BODY } }
}

const JSON_BODY = { 'content-type': 'application/json' }

function loadOf(paths: readonly string[], body: object | undefined): Omit<Load, 'port' | 'headers'> {
  const method = body === undefined ? 'GET' : 'POST'
  return { method, paths, connections: CONNECTIONS, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
}

/** Returns the id of the first datasource that matches a condition in SQL. Throws if none does. */
export async function idOf({ databaseUrl }: Site, where: string): Promise<string> {
  const [row] = await query(databaseUrl, `select id from datasources where ${where} limit 1`)
  if (row === undefined) throw new Error(`there is no datasource ${where}`)
  return String(row['id'])
}

/** Returns the number of bytes in the rows that one registration writes. */
async function registeredBytes({ databaseUrl }: Site, id: string): Promise<number> {
  const parts = [
    `select pg_column_size(t.*) from datasources t where id = '${id}'`,
    `select pg_column_size(t.*) from credentials t where datasource_id = '${id}'`,
    `select pg_column_size(t.*) from tasks t where datasource_id = '${id}'`,
    `select pg_column_size(t.*) from changes t where datasource_id = '${id}'`,
    `select pg_column_size(t.*) from audit_events t where object_id = '${id}'`,
  ]
  const [row] = await query(databaseUrl, `select sum(bytes) as bytes from (${parts.join(' union all ')}) as t (bytes)`)
  return Number(row?.['bytes'])
}
