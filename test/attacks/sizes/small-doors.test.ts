/**
 * Small attack surfaces (A13): positions out of range, streams of another's objects, keys in URLs, two hosts, our own
 * server, core files.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isOwnPlace } from '#server/net/socket/own-places.ts'
import { ownPlaces } from '#server/process/own-places.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { formatConnectionString, withEncodedName } from '#shared/connection-string/connection-string-text.ts'
import { capability } from '#test/support/access/actors.ts'
import { watchDatasources } from '#test/support/changes/event-stream.ts'
import { query } from '#test/support/database/postgres.ts'
import { raw, statusOf } from '#test/support/http/raw-http.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { makeTiers } from '#test/support/mooring/tiers.ts'

let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const refusalOf = async (attempt: { key?: string; input?: object; lastEventId?: string }) => {
  const stream = await watchDatasources({ url: mooring.url, key: mooring.organization.testKey, ...attempt })
  const { text } = await stream.first(({ event }) => event === 'serialized-error')
  await stream.ended
  return JSON.parse(text).data
}

describe('A position that no change has', () => {
  it.each(['1-9999999999999999999', '1-9223372036854775808', '1-9007199254740993'])(
    'is not recognised, and is not a failure: %s',
    async lastEventId => {
      expect(await refusalOf({ lastEventId })).toMatchObject({ fault: 'invalid_body', httpStatus: 400 })
      expect(await refusalOf({ input: { lastEventId } })).toMatchObject({ fault: 'invalid_body' })
      expect(mooring.logLines.join('')).not.toContain('procedure failed')
    },
  )

  it.each(['99999999999999999999-1', '18446744073709551616-1', '18446744073709551615-9007199254740991'])(
    'of an unknown epoch is answered by a reset: %s',
    async lastEventId => {
      const stream = await watchDatasources({ url: mooring.url, key: mooring.organization.testKey, lastEventId })
      const { text } = await stream.first(({ event }) => event === 'message')
      expect(JSON.parse(text)).toEqual({ change: 'reset' })
      await stream.close()
    },
  )
})

describe('A capability', () => {
  it('that watches a datasource outside its own is denied, not left with a silent stream', async () => {
    const { datasources } = mooring.client()
    const register = () => datasources.register.mutate({ connectionString: customer.url() })
    const [mine, other] = [await register(), await register()]
    const key = await capability(mooring, { scopes: ['datasources.read'], datasourceIds: [mine.id] })
    expect(await refusalOf({ key, input: { id: other.id } })).toMatchObject({ fault: 'capability_scope_denied' })
    const stream = await watchDatasources({ url: mooring.url, key, input: { id: mine.id } })
    expect(stream.events.map(({ event }) => event)).toEqual(['connected'])
    await stream.close()
  })
})

describe('A key in a URL', () => {
  it.each(['/TRPC', '/Trpc', '/trpc', '/v1/datasources', '/api/v1/connections', '/nowhere'])(
    'is refused and not logged, in every form of the path: %s',
    async path => {
      const key = mooring.organization.testKey
      const encoded = key.replace('sk_', '%73k%5F')
      for (const url of [
        `${path}/datasources.list?key=${key}`,
        `${path}?key=${encoded}`,
        `${path}?connectionParams=1`,
      ]) {
        const answer = await mooring.call('GET', url)
        expect([url, answer.status >= 400 && answer.status < 423]).toEqual([url, true])
        // The connections dialect has Pydantic's shape.
        if (!path.startsWith('/api/v1/connections')) expect(answer.text).toContain('invalid_request')
        expect(answer.text).not.toContain(key)
      }
      expect(mooring.logLines.join('')).not.toContain(key)
    },
  )
})

describe('Two Host headers', () => {
  it('are refused: a proxy in front may have routed by the other one', async () => {
    const auth = `authorization: Bearer ${mooring.organization.testKey}\r\n`
    const ask = (hosts: string) =>
      raw(`GET /v1/datasources HTTP/1.1\r\n${hosts}${auth}connection: close\r\n\r\n`, mooring.url)
    expect(statusOf(await ask('host: a\r\n'))).toBe(200)
    for (const hosts of ['host: a\r\nhost: b\r\n', 'Host: a\r\nHOST: a\r\n', 'host: a\r\nx-other: c\r\nHost: b\r\n'])
      expect(statusOf(await ask(hosts))).toBe(400)
  })
})

describe('A leased string', () => {
  it.each(['shop%40eu', 'a@b', 'a/b', '/a', 'a:b', 'a b', 'é', '%2F', 'a%40b', "a'b", 'a&b', 'a+b', 'a;b,c$d', '🐘'])(
    'leads pg to the same database, user and password: %s',
    async database => {
      const { default: pg } = await import('pg')
      const plain = `postgresql://${encodeURIComponent(`u:${database}`)}:${encodeURIComponent(`p@${database}`)}@db.example.com:6543/${encodeURIComponent(database)}`
      const parsed = parseConnectionString(plain)
      if (!parsed.ok) throw new Error(`not read: ${database}`)
      const client = new pg.Client({ connectionString: formatConnectionString(parsed.target) })
      expect([client.database, client.user, client.password, client.host, client.port]).toEqual([
        database,
        `u:${database}`,
        `p@${database}`,
        'db.example.com',
        6543,
      ])
      expect(parseConnectionString(withEncodedName(formatConnectionString(parsed.target)))).toEqual(parsed)
    },
  )

  it.each(['..', 'a/../b', './a', 'a?b', 'a#b'])(
    'never leads pg to another name through dots or a query: %s',
    async database => {
      const { default: pg } = await import('pg')
      const parsed = parseConnectionString(`postgresql://u:p@db.example.com/${encodeURIComponent(database)}`)
      // Some of them are refused at once; the others arrive escaped.
      if (!parsed.ok) return
      const client = new pg.Client({ connectionString: formatConnectionString(parsed.target) })
      expect(['b', 'a', 'u', '']).not.toContain(client.database)
      expect(parseConnectionString(withEncodedName(formatConnectionString(parsed.target)))).toEqual(parsed)
    },
  )
})

describe('Our own server', () => {
  const registry = () => new URL(mooring.databaseUrl)

  it('is not dialled for a customer by any of its addresses, even when the network is open', async () => {
    const { port } = registry()
    for (const host of ['127.0.0.1', '127.0.0.2', 'localhost']) {
      const connectionString = `postgresql://anybody:secret@${host}:${port}/anything?sslmode=disable`
      const made = await mooring.client().datasources.register.mutate({ connectionString, waitSeconds: 20 })
      expect([host, made.status, made.statusReason]).toEqual([host, 'rejected', 'byo_host_not_allowed'])
    }
    const logins = "select count(*)::int as count from pg_stat_activity where usename = 'anybody'"
    expect(await query(mooring.databaseUrl, logins)).toEqual([{ count: 0 }])
  })

  it('is recognised by every address of its name, and by nothing else', async () => {
    const own = ownPlaces({ port: 3000 }, { url: 'postgres://a:b@127.0.0.1:6001/mooring', isShared: false })
    const at = (address: string, port: number) => isOwnPlace({ addresses: ['203.0.113.7', address], port }, own)
    for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'])
      expect([address, await at(address, 6001), await at(address, 3000)]).toEqual([address, true, true])
    expect([await at('127.0.0.1', 6002), await at('198.51.100.1', 6001)]).toEqual([false, false])
  })

  it('with several hosts includes each of them, and the one behind a pooler', async () => {
    const listenUrl = 'postgres://a:b@127.0.0.3:6003/mooring'
    const several = { url: 'postgres://a:b@127.0.0.1:6001,[::1]:6002/mooring?sslmode=disable', isShared: false }
    const own = ownPlaces({ port: 0, listenUrl }, several)
    expect(own.map(({ host, port }) => `${host} ${port}`)).toEqual(['127.0.0.1 6001', '::1 6002', '127.0.0.3 6003'])
    const at = (port: number) => isOwnPlace({ addresses: ['127.0.0.1'], port }, own)
    expect([await at(6001), await at(6002), await at(6003), await at(6004)]).toEqual([true, true, true, false])
  })

  it('that does not resolve matches every host on its port', async () => {
    const own = ownPlaces({ port: 0 }, { url: 'postgres://a:b@db.invalid:6001/mooring', isShared: false })
    const at = (port: number) => isOwnPlace({ addresses: ['198.51.100.1'], port }, own)
    expect([await at(6001), await at(6002)]).toEqual([true, false])
  })

  it('of a standalone installation also has the sample database; only its own database is refused', async () => {
    const own = ownPlaces({ port: 0 }, { url: 'postgres://a:b@127.0.0.1:6001/mooring', isShared: true })
    const at = (database?: string) =>
      isOwnPlace({ addresses: ['127.0.0.1'], port: 6001, ...(database === undefined ? {} : { database }) }, own)
    expect([await at('mooring'), await at('chandlery'), await at()]).toEqual([true, false, true])
  })
})

describe.skipIf(process.platform !== 'linux')('Memory', () => {
  it('stays inside: no mapping of web, worker or dialling process is in a core file', async () => {
    const tiers = await makeTiers()
    try {
      const [web, worker] = await Promise.all([tiers.start('web'), tiers.start('worker')])
      const children = (await readFile(`/proc/${worker.pid}/task/${worker.pid}/children`, 'utf8')).trim().split(' ')
      expect(children.length).toBeGreaterThan(0)
      for (const pid of [web.pid, worker.pid, ...children])
        expect(Number.parseInt(await readFile(`/proc/${pid}/coredump_filter`, 'utf8'), 16)).toBe(0)
      for (const pid of children)
        expect((await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')).toContain('--disable-sigusr1')
    } finally {
      await tiers.stop()
    }
  })

  it('is not opened to a debugger by a signal: the scripts disable it', async () => {
    const { scripts } = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8'))
    for (const name of ['start', 'web', 'worker'])
      expect(scripts[name]).toMatch(/exec sh server\/run\.sh confined (?:main|web|worker)\.ts$/)
    const launcher = await readFile(join(import.meta.dirname, '../../../server/run.sh'), 'utf8')
    expect(launcher).toMatch(/\nulimit -c 0\nexec node --disable-sigusr1 "\$\{0%\/\*\}\/\$file" "\$@"\n$/)
  })
})
