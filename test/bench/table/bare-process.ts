/**
 * The limits that Mooring's web tier is compared with, in a process of their own: `node:http` and `pg` with the same
 * statements and bytes, and nothing around them. Prints its ports as JSON.
 *
 * `GET /one/NAME` and `/all/NAME` run a statement of Mooring and return its row or rows; `POST /pipeline` and `/pool`
 * seal and sign a body and insert as many bytes as a registration writes; the second port serves a trivial query of
 * tRPC behind Express.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { initTRPC } from '@trpc/server'
import { createExpressMiddleware } from '@trpc/server/adapters/express'
import express from 'express'
import pg from 'pg'
import { pooledSodium } from '#server/seal/sodium.ts'

const { DATABASE_URL = '', STATEMENTS = '{}', BYTES = '0' } = process.env
const statements: Record<string, { text: string; values: unknown[] }> = JSON.parse(STATEMENTS)
/** The number of connections in the pool, equal to Mooring's default. */
const POOL = 8

const sodium = await pooledSodium()
const keys = sodium.crypto_box_keypair()
const signing = sodium.crypto_sign_keypair()
const padding = randomBytes(Number(BYTES))

const pipeline = new pg.Client({ connectionString: DATABASE_URL, pipeline: true } as pg.ClientConfig) // newer than its types
await pipeline.connect()
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: POOL })
await pool.query('create table if not exists bare (id uuid primary key, box bytea, signature bytea, padding bytea)')

const insert = {
  name: 'insert',
  text: 'insert into bare (id, box, signature, padding) values ($1, $2, $3, $4) returning id',
}

async function register(request: IncomingMessage, over: Pick<pg.Pool, 'query'>): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
  const box = sodium.crypto_box_seal(Buffer.from(JSON.stringify(body)), keys.publicKey)
  const signature = sodium.crypto_sign_detached(box, signing.privateKey)
  const values = [randomUUID(), Buffer.from(box), Buffer.from(signature), padding]
  return (await over.query({ ...insert, values })).rows[0]
}

async function answer(request: IncomingMessage): Promise<unknown> {
  const [, how = '', name = ''] = (request.url ?? '').split('/')
  if (how === 'pipeline' || how === 'pool') return register(request, how === 'pool' ? pool : pipeline)
  const { text, values } = statements[name] ?? { text: '', values: [] }
  const { rows } = await pipeline.query({ name, text, values })
  return how === 'one' ? rows[0] : rows
}

const bare = createServer((request, response) => {
  answer(request).then(
    found => {
      const text = JSON.stringify(found)
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
        .end(text)
    },
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
})

const t = initTRPC.create()
const trivial = express()
trivial.use(
  '/trpc',
  createExpressMiddleware({ router: t.router({ trivial: t.procedure.query(() => ({ ok: true })) }) }),
)

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port // a TCP server's address is an object once it listens
}

process.stdout.write(`${JSON.stringify({ bare: await listen(bare), trpc: await listen(createServer(trivial)) })}\n`)
