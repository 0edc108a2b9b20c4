/**
 * Lists without pages (A2): each loaded all rows of an organization before it sent the first one, however slowly the
 * caller read. They are now written page by page at the caller's speed, and end with the caller.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { faultOf } from '#client/index.ts'
import { writeList } from '#server/rest/http/streamed-list.ts'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const COUNT = 350

let mooring: Mooring
let id: string
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  const connectionString = 'postgresql://app:secret@db.example.com/shop'
  id = (await mooring.client().datasources.register.mutate({ connectionString })).id
})
afterAll(() => mooring.stop())

const sql = (text: string) => query(mooring.databaseUrl, text)

/** Copies the datasource until the organization has this many. */
async function copies(count: number): Promise<void> {
  await sql(`
    insert into datasources (org_id, id, kind, mode, name, db_type, host, port, database, schema, tls_mode, excluded_schemas, created_at)
    select org_id, gen_random_uuid(), kind, mode, name, db_type, host, port, database, schema, tls_mode, excluded_schemas, created_at
    from datasources, generate_series(2, ${count}) where id = '${bareUuid(id)}'`)
}

/** The lists, and the ids in an answer. */
const LISTS = [
  ['/v1/datasources', (body: { data: { id: string }[] }) => body.data.map(row => bareUuid(row.id))],
  [
    '/api/v1/connections',
    (body: { data: { connections: { id: string }[] } }) => body.data.connections.map(row => row.id),
  ],
] as const

describe('A list without pages', () => {
  it.each(LISTS)('%s of one page has an ETag, and is not sent again', async path => {
    const { headers } = await mooring.call('GET', path)
    const again = await mooring.call('GET', path, { headers: { 'if-none-match': headers.get('etag') ?? '' } })
    expect(again.status).toBe(304)
  })

  it.each(LISTS)('%s of many is complete, each once and in order, without an ETag', async (path, idsOf) => {
    if ((await sql('select count(*)::int as n from datasources'))[0]?.['n'] === 1) await copies(COUNT)
    const { status, headers, body } = await mooring.call('GET', path)
    const rows = await sql('select id from datasources order by id desc')
    expect([status, headers.get('etag'), headers.get('content-type')]).toEqual([
      200,
      null,
      'application/json; charset=utf-8',
    ])
    expect(idsOf(body)).toEqual(rows.map(row => row['id']))
    expect(rows.length).toBe(COUNT)
    if (path === '/api/v1/connections')
      expect(body).toMatchObject({ success: true, data: { count: COUNT }, error: null })
    else expect(body).toMatchObject({ object: 'list', has_more: false })
    expect((await mooring.call('HEAD', path)).text).toBe('')
  })

  it.each(LISTS)('%s is refused before its first byte to a caller without the scope', async path => {
    expect(await mooring.call('GET', path, { key: null })).toMatchObject({ status: 401 })
  })

  it.each(LISTS)('%s is cut off, never closed, when a later page cannot be read', async path => {
    const [row] = await sql('select id, name from datasources order by id desc offset 250 limit 1')
    await sql(`update datasources set db_type = 'no such type' where id = '${row?.['id']}'`)
    await expect(mooring.call('GET', path)).rejects.toThrow()
    await sql(`update datasources set db_type = 'postgresql' where id = '${row?.['id']}'`)
    expect((await mooring.call('GET', path)).status).toBe(200)
  })
})

describe('The writer of a list', () => {
  it('reads no page ahead of its caller, and none after the caller has left', async () => {
    let pages = 0
    const page = async () => {
      pages += 1
      return { rows: Array.from({ length: 100 }, () => 'x'.repeat(10_000)), nextCursor: 'more' }
    }
    const walk = { page, whole: (rows: readonly unknown[]) => ({ rows }) }
    let ended = false
    const app = express().get('/', (_request, response) => {
      void writeList(response, { first: [], cursor: 'first', walk }).finally(() => {
        ended = true
      })
    })
    const server = createServer(app).listen(0)
    await once(server, 'listening')
    const socket = connect(portOf(server)).pause()
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    // Enough to fill the buffers of both ends.
    let seen = -1
    const isStill = () => {
      const before = seen
      seen = pages
      return pages > 0 && before === pages
    }
    await vi.waitUntil(isStill, { timeout: 10_000, interval: 500 })
    expect(pages).toBeLessThan(30)
    expect(ended).toBe(false)
    socket.destroy()
    await vi.waitUntil(() => ended, { timeout: 10_000 })
    expect(pages).toBeLessThanOrEqual(seen + 2)
    server.close()
  })
})

describe('organization.listKeys', () => {
  it('returns page by page, and without a limit as many as may live', async () => {
    const client = mooring.client().organization
    for (const name of ['a', 'b', 'c']) await client.createKey.mutate({ name })
    const all = await client.listKeys.query()
    expect([all.items.length, all.nextCursor]).toEqual([5, null])
    const first = await client.listKeys.query({ limit: 2 })
    expect(first).toEqual({ items: all.items.slice(0, 2), nextCursor: all.items[1]?.id })
    const rest = await client.listKeys.query({ limit: 100, ...(first.nextCursor && { cursor: first.nextCursor }) })
    expect(rest).toEqual({ items: all.items.slice(2), nextCursor: null })
    expect(await client.listKeys.query({ limit: 101 }).catch(faultOf)).toBe('invalid_body')
    await sql(`
      insert into api_keys (org_id, id, mode, last4, pepper_id, hash, mac, scopes, created_at, revoked_at)
      select org_id, gen_random_uuid(), mode, last4, pepper_id, sha256(n::text::bytea), mac, scopes, created_at, now()
      from (select * from api_keys where org_id = '${mooring.organization.id}' limit 1) k, generate_series(1, 150) n`)
    expect((await client.listKeys.query()).items.length).toBe(mooring.config.quotas.keys)
    // The dialect lists living keys, after any number of revoked ones.
    expect((await mooring.call('GET', '/api/v1/api-keys')).body.data.count).toBe(5)
  })
})
