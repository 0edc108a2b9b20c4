/**
 * The baseline for Mooring: a bare `node:http` server over `pg` with the same operations and nothing around them. It
 * reads one row by its key, and inserts as many bytes as a registration writes, unsealed, unauthenticated, unaudited.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'

/** A running bare server. */
export interface Bare {
  readonly url: string
  /** An id that can be read. */
  readonly id: string
  close(): Promise<void>
}

const BOX_BYTES = 700

/** Starts one on its own table in the database at `databaseUrl`, with as many connections as Mooring has. */
export async function startBare(databaseUrl: string, connections: number): Promise<Bare> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: connections })
  await pool.query('create table bare (id uuid primary key, body jsonb not null, box bytea not null)')
  const insert = { name: 'insert', text: 'insert into bare (id, body, box) values ($1, $2, $3) returning id' }
  const read = { name: 'read', text: 'select id, body from bare where id = $1' }
  const box = randomBytes(BOX_BYTES)
  const id = randomUUID()
  await pool.query({ ...insert, values: [id, '{}', box] })
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    if (request.method === 'GET') return (await pool.query({ ...read, values: [request.url?.slice(1)] })).rows[0]
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    return (await pool.query({ ...insert, values: [randomUUID(), JSON.stringify(body), box] })).rows[0]
  }
  const server = createServer((request, response) => {
    answer(request).then(
      found => response.setHeader('content-type', 'application/json').end(JSON.stringify(found)),
      () => response.writeHead(500).end(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is an object once it listens.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    id,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await pool.end()
    },
  }
}
