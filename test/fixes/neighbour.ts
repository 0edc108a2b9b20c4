/**
 * Measures what roles other than the registered login can do in
 * a place: a fix must not take anything from them.
 */
import pg from 'pg'
import type { Place } from './place.ts'

const QUERIES: readonly string[] = [
  'select count(*) as n from app.orders',
  'select count(*) as n from app.ledger',
  'select orders as n from app.summary',
  'select app.total() as n',
  'with added as (insert into app.orders values (1000, 1) returning 1) select count(*) as n from added',
]

/** Returns a line for each operation that works, with its result. */
export async function accessOf(place: Place): Promise<string[]> {
  const { server, pooler, neighbour, owner } = place
  const ways = [
    { way: 'with TLS', port: server.port, ssl: { rejectUnauthorized: false } },
    { way: 'in clear', port: server.port, ssl: false },
    ...(pooler === null ? [] : [{ way: 'through the pooler', port: pooler.port, ssl: false }]),
  ]
  const found: string[] = []
  for (const { way, ...at } of ways) {
    const client = new pg.Client({
      ...at,
      host: '127.0.0.1',
      user: neighbour,
      password: place.password,
      database: place.database,
    })
    found.push(...(await worksFor(client, `${neighbour} ${way}`)))
  }
  const admin = new pg.Client({ connectionString: server.adminUrl, database: place.database })
  return [...found, ...(await worksFor(admin, owner, `set session authorization ${owner}`))]
}

async function worksFor(client: pg.Client, who: string, first = 'select 1'): Promise<string[]> {
  // A refused login also ends the connection, which is not an error of the test.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(first)
  } catch {
    return []
  }
  const works = [`${who} logs in`]
  for (const query of QUERIES) {
    const answer = await within(client, query)
    if (answer !== null) works.push(`${who}: ${query} is ${answer.rows[0]?.n}`)
  }
  await client.end()
  return works
}

/** Runs a query and rolls it back; null if the query or the transaction is refused. */
async function within(client: pg.Client, query: string): Promise<pg.QueryResult | null> {
  try {
    await client.query('begin')
    const answer = await client.query(query).catch(() => null)
    await client.query('rollback')
    return answer
  } catch {
    return null
  }
}
