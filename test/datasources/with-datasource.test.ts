/**
 * `withDatasource`: a single call with which a platform's worker uses a customer's database, only over allowed
 * addresses.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Client, faultOf } from '#client/index.ts'
import { leasedClient } from '#client/node/leased-client.ts'
import { openLeasedPlace } from '#client/node/leased-place.ts'
import { withDatasource } from '#client/node.ts'
import type { WatchEvent } from '#server/api/datasources/watch.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { type Authority, createAuthority } from '#test/support/dials/certificates.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { leaseCapability, verifyKeysOf } from '#test/support/keys/leasing.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const HOST = 'db.acme.io'

let authority: Authority
let server: TestServer
let dns: DnsServer
let mooring: Mooring
beforeAll(async () => {
  authority = await createAuthority('Acme CA')
  server = await startServer({ tls: await authority.issue({ names: [HOST] }) })
  await server.query(`create role app login password 'first'`)
  await server.query('create schema app; grant usage on schema app to app; revoke all on schema public from public')
  dns = await startDnsServer()
  mooring = await startMooring({ env: { MOORING_DNS_SERVERS: dns.address } })
})
afterAll(async () => {
  await mooring.stop()
  await Promise.all([dns.close(), server.stop()])
})
afterEach(async () => {
  expect(await query(mooring.databaseUrl, 'select id from leases where ended_at is null')).toEqual([])
})

const urlOf = (password: string, parameters = 'sslmode=verify-full') =>
  `postgresql://app:${password}@${HOST}:${server.port}/postgres?${parameters}`

async function registered(connectionString = urlOf('first')): Promise<DatasourceId> {
  dns.answer(HOST, { addresses: ['127.0.0.1'] })
  const input = { connectionString, schema: 'app', caCertificate: authority.cert, waitSeconds: 20 }
  const made = await mooring.client().datasources.register.mutate(input)
  expect(made).toMatchObject({ status: 'active', statusReason: null })
  return made.id
}

const leased = (id: DatasourceId) => ({ id, verifyKeys: verifyKeysOf(mooring) })

const leaser = async (ttlSeconds?: number) =>
  mooring.client(await leaseCapability(mooring, ttlSeconds === undefined ? {} : { ttlSeconds }))

describe('withDatasource', () => {
  it('leases, connects to the judged address under the TLS name, runs the function, and returns the lease', async () => {
    const id = await registered()
    const asked = dns.asked.length
    const client = await leaser()
    const row = await withDatasource(client, leased(id), async pool => {
      // Later answers for the name do not matter: nobody asks for them.
      dns.answer(HOST, { addresses: ['127.0.0.2'] })
      const answers = await Promise.all([1, 2, 3].map(n => pool.query('select $1::int as n, current_user as who', [n])))
      const tls = await pool.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
      return { who: answers[2]?.rows[0].who, tls: tls.rows[0].ssl, live: await liveLeases() }
    })
    expect(row).toEqual({ who: 'app', tls: true, live: 1 })
    // One look-up for the lease: that of the worker, which checked the answer before granting the lease.
    expect(dns.asked.slice(asked).filter(question => question.startsWith('A '))).toHaveLength(1)
  })

  it('rethrows the function’s error and a refusal of the lease', async () => {
    const id = await registered()
    const client = await leaser()
    await expect(withDatasource(client, leased(id), () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    const refused = await withDatasource(mooring.client(), leased(id), () => Promise.resolve()).catch((e: unknown) => e)
    expect(faultOf(refused)).toBe('forbidden')
  })

  it('renews on a rotation: later connections use the new credential', async () => {
    const id = await registered()
    const client = await leaser()
    await withDatasource(client, { ...leased(id), max: 1 }, async pool => {
      await pool.query('select 1')
      await server.query(`alter role app password 'second'`)
      const rotate = { id, connectionString: urlOf('second'), caCertificate: authority.cert, waitSeconds: 20 }
      const renewed = leasedAnew(id)
      expect(await mooring.client().datasources.rotate.mutate(rotate)).toMatchObject({ credentialVersion: 2 })
      await renewed
      await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'`)
      const { rows } = await pool
        .query('select current_user as who')
        .catch(() => pool.query('select current_user as who'))
      expect(rows).toEqual([{ who: 'app' }])
    })
    await server.query(`alter role app password 'first'`)
  })

  it('renews when a rotation comes into force between the lease and the watch', async () => {
    const id = await registered()
    const rotate = (count: number) => (count === 1 ? rotated(id, 2) : Promise.resolve())
    const client = meddled(await leaser(), rotate)
    await withDatasource(client, { ...leased(id), ttlSeconds: 3600 }, async () => {
      await leasedAnew(id)
    })
  })

  it('renews once more when a rotation is reported while an older lease is on its way', async () => {
    const id = await registered()
    const reported = Promise.withResolvers<void>()
    const behind = async (count: number) => {
      if (count !== 2) return
      await rotated(id, 3)
      await reported.promise
    }
    const onTold = (version: number) => (version === 3 ? reported.resolve() : undefined)
    const client = meddled(await leaser(), behind, onTold)
    await withDatasource(client, { ...leased(id), ttlSeconds: 3600 }, async () => {
      await rotated(id, 2)
      await leasedAnew(id, 3)
    })
  })

  it('begins no connection after the lease has ended and cannot be renewed', async () => {
    const id = await registered()
    const client = await leaser()
    const late = await withDatasource(client, { ...leased(id), ttlSeconds: 1 }, async pool => {
      await query(mooring.databaseUrl, 'update capabilities set revoked_at = now() where revoked_at is null')
      await new Promise(resolve => setTimeout(resolve, 1_100))
      return pool.query('select 1').catch((error: Error) => error.message)
    })
    expect(late).toBe('the lease has ended')
    await query(
      mooring.databaseUrl,
      `update leases set ended_at = expires_at, ended_by = 'expired' where ended_at is null`,
    )
  })
})

describe('The driver over a lease', () => {
  const place = (connectionString: string, caCertificate?: string) =>
    openLeasedPlace({
      connectionString,
      ...(caCertificate === undefined ? {} : { caCertificate }),
      addresses: ['127.0.0.1'],
      datasourceId: 'ds_00000000000000000000000000000000',
      mode: 'live',
      credentialVersion: 1,
      id: 'lease_00000000000000000000000000000000',
      publicKey: '',
      expiresAt: new Date().toISOString(),
    })
  const connected = async (leased: ReturnType<typeof place>) => {
    const Client = leasedClient(() => leased)
    const client = new Client()
    client.on('error', () => undefined)
    return client.connect().then(
      () => client.end().then(() => 'connected'),
      (error: Error) => error.message,
    )
  }

  it('accepts the certificate of the name and of the authority, and no other', async () => {
    const other = await createAuthority('Other CA')
    expect(await connected(place(urlOf('first'), authority.cert))).toBe('connected')
    expect(await connected(place(urlOf('first'), other.cert))).toMatch(/certificate/)
    expect(await connected(place(urlOf('first').replace(HOST, 'db.other.io'), authority.cert))).toMatch(/altnames/)
    expect(await connected(place(urlOf('first', 'sslmode=require')))).toBe('connected')
  })

  it('sends no password in clear or as MD5 to a server whose certificate was not verified', async () => {
    for (const code of [3, 5]) {
      const impostor = await askingServer(code)
      const url = `postgresql://app:first@127.0.0.1:${impostor.port}/postgres?sslmode=disable`
      expect(await connected(place(url))).toMatch(/expose/)
      expect(impostor.received()).not.toContain('first')
      await impostor.close()
    }
  })

  it('accepts no Ok from a server that proved nothing', async () => {
    const impostor = await askingServer(0)
    const url = `postgresql://app:first@127.0.0.1:${impostor.port}/postgres?sslmode=disable`
    expect(await connected(place(url))).toMatch(/did not prove/)
    await impostor.close()
  })

  it('encrypts under prefer when the server offers it', async () => {
    const id = await registered(urlOf('first', 'sslmode=prefer'))
    const client = await leaser()
    const { rows } = await withDatasource(client, leased(id), pool =>
      pool.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()'),
    )
    expect(rows).toEqual([{ ssl: true }])
  })
})

const liveLeases = async () => (await query(mooring.databaseUrl, 'select id from leases where ended_at is null')).length

/** Resolves once a version of the credential is leased: by default the second. */
function leasedAnew(id: DatasourceId, version = 2): Promise<true> {
  return onNotification(mooring.databaseUrl, async client => {
    const sql = 'select 1 from leases where version = $2 and datasource_id = $1'
    return (await client.query(sql, [uuidOf(id, 'ds_test_'), version])).rowCount === 0 ? undefined : true
  })
}

/** Rotates to a version of the credential that sends its number to the server, and resolves once it is in force. */
async function rotated(id: DatasourceId, version: number): Promise<void> {
  const connectionString = urlOf('first', `sslmode=verify-full&application_name=v${version}`)
  const rotate = { id, connectionString, caCertificate: authority.cert, waitSeconds: 20 }
  expect(await mooring.client().datasources.rotate.mutate(rotate)).toMatchObject({ credentialVersion: version })
}

type Datasources = Client['datasources']
type ReceivedChange = { readonly id: string; readonly data: WatchEvent }

/**
 * A client whose leases are released when `behind` is done with them; `onTold` runs after each change that the watch
 * reports.
 */
function meddled(
  client: Client,
  behind: (count: number) => Promise<void>,
  onTold: (version: number) => void = () => undefined,
): Client {
  let count = 0
  const lease = {
    mutate: async (...asked: Parameters<Datasources['lease']['mutate']>) => {
      const leased = await client.datasources.lease.mutate(...asked)
      count += 1
      await behind(count)
      return leased
    },
  }
  const watch = {
    subscribe: (input: { id?: DatasourceId }, on: { onData(reported: ReceivedChange): void }) =>
      client.datasources.watch.subscribe(input, {
        ...on,
        onData: reported => {
          on.onData(reported)
          if (reported.data.change !== 'reset') onTold(reported.data.datasource.credentialVersion)
        },
      }),
  }
  const replaced: Record<PropertyKey, unknown> = { lease, watch }
  const datasources = new Proxy(client.datasources, {
    get: (target, name) => replaced[name] ?? Reflect.get(target, name),
  })
  return new Proxy(client, {
    get: (target, name) => (name === 'datasources' ? datasources : Reflect.get(target, name)),
  })
}

/**
 * A server in clear that answers a start-up with one Authentication message, and records the messages that it receives.
 */
async function askingServer(code: number) {
  const chunks: Buffer[] = []
  const listener = createServer(socket => {
    socket.on('error', () => undefined)
    socket.on('data', chunk => {
      if (chunks.push(chunk) > 1) return
      const body = code === 5 ? Buffer.from([0, 0, 0, 5, 1, 2, 3, 4]) : Buffer.from([0, 0, 0, code])
      const message = Buffer.alloc(5)
      message.write('R')
      message.writeInt32BE(body.length + 4, 1)
      socket.write(Buffer.concat([message, body]))
      if (code === 0) socket.write(Buffer.from([0x5a, 0, 0, 0, 5, 0x49]))
    })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: portOf(listener),
    received: () => Buffer.concat(chunks.slice(1)).toString('latin1'),
    close: async () => {
      listener.close()
      await once(listener, 'close')
    },
  }
}
