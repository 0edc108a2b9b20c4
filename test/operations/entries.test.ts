/** The entries as processes: web and worker apart or in one, started and stopped as an operator does it. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Installation, prepareInstallation } from '#test/support/mooring/installation.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'

// Each test starts several processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let installation: Installation
let customer: Customer
const running: Running[] = []
beforeAll(async () => {
  installation = await prepareInstallation()
  customer = await makeCustomer()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(one => one.stop('SIGKILL')))
})
afterAll(async () => {
  await installation.remove()
  await customer.drop()
})

function start(...args: Parameters<typeof startEntry>): Running {
  const one = startEntry(...args)
  running.push(one)
  return one
}

const LISTENING = /"port":(\d+),"msg":"web/

async function startWeb(env = installation.env('web')): Promise<{ web: Running; url: string; port: number }> {
  const web = start('web', env)
  const port = Number((await web.line(LISTENING))[1])
  return { web, port, url: `http://127.0.0.1:${port}` }
}

async function startWorker(): Promise<Running> {
  const worker = start('worker', installation.env('worker'))
  await worker.line(/worker is running/)
  return worker
}

async function register(url: string, connectionString: string, wait?: number) {
  const response = await fetch(`${url}/v1/datasources`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${installation.testKey}`,
      'content-type': 'application/json',
      ...(wait === undefined ? {} : { prefer: `wait=${wait}` }),
    },
    body: JSON.stringify({ connectionString }),
  })
  const body = (await response.json()) as { id: string; status: string }
  return { status: response.status, body }
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

describe('Web and worker, apart', () => {
  it('register and verify on one database', async () => {
    const [{ web, url }, worker] = await Promise.all([startWeb(), startWorker()])
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    const { status, body } = await register(url, customer.url(), 20)
    expect([status, body.status]).toEqual([201, 'active'])
    expect(await Promise.all([web.stop(), worker.stop('SIGINT')])).toEqual([0, 0])
    for (const one of [web, worker]) {
      expect(one.out.at(-1)).toContain('stopped')
      expect(one.err()).toBe('')
    }
  })

  it('finish the running requests at SIGTERM, and accept no new ones', async () => {
    const { web, port } = await startWeb()
    const body = JSON.stringify({ connectionString: customer.url('reader', { host: 'localhost' }) })
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => {
      answer += String(chunk)
    })
    const head = [
      'POST /v1/datasources HTTP/1.1',
      'Host: localhost',
      `Authorization: Bearer ${installation.testKey}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Expect: 100-continue',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    // "100 Continue": the request is being read.
    await once(socket, 'data')
    socket.write(body.slice(0, 10))
    web.child.kill('SIGTERM')
    await web.line(/"msg":"stopping"/)
    await expect.poll(() => isOpen(port)).toBe(false)
    socket.write(body.slice(10))
    await once(socket, 'close')
    expect(answer).toMatch(/HTTP\/1\.1 201 Created/)
    expect(await web.ended).toBe(0)
  })

  it('pass a killed worker’s claims to another one', async () => {
    const sockets: Socket[] = []
    const silent = createServer(socket => void sockets.push(socket)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const [{ url }, first] = await Promise.all([startWeb(), startWorker()])
    const taken = once(silent, 'connection')
    const { body } = await register(url, customer.url('reader', { port: portOf(silent) }))
    await taken
    await first.stop('SIGKILL')
    const id = `datasource_id = '${body.id.replace('ds_test_', '')}'`
    const held = `select token, locked_until is not null as held from tasks where ${id}`
    expect(await query(installation.databaseUrl, held)).toEqual([{ token: '1', held: true }])

    for (const socket of sockets.splice(0)) socket.destroy()
    // A minute passes.
    await query(installation.databaseUrl, `update tasks set locked_until = now() - interval '1 ms' where ${id}`)
    const again = once(silent, 'connection')
    await startWorker()
    await again
    for (const socket of sockets) socket.destroy()
    silent.close()
    const settled = await onNotification(installation.databaseUrl, async client => {
      const { rows } = await client.query(`select settled, token from tasks where settled = requested and ${id}`)
      return rows[0]
    })
    expect(settled).toEqual({ settled: '1', token: '2' })
  })
})

describe('Main', () => {
  it('is web and worker in one on an operator’s database, which it migrates', async () => {
    const main = start('main', installation.env('both'))
    const port = (await main.line(LISTENING))[1]
    const { body } = await register(`http://127.0.0.1:${port}`, customer.url('reader', { database: 'postgres' }), 20)
    expect(body.status).not.toBe('unverified')
    expect(main.out.join('\n')).not.toContain('sk_')
    expect(await main.stop()).toBe(0)
  })
})

describe('A start that fails', () => {
  async function refused(entry: 'web' | 'worker' | 'main', env: Record<string, string>): Promise<string> {
    const one = start(entry, env)
    expect(await one.ended).toBe(1)
    expect(one.out).toEqual([])
    expect(one.err().trimEnd().split('\n')).toHaveLength(1)
    return one.err()
  }

  it('on a database with pending migrations names the command, for web and for worker', async () => {
    const database = await freshDatabase()
    const [last] = await query(database.url, 'select name from kysely_migration order by name desc limit 1')
    await query(database.url, `delete from kysely_migration where name = '${last?.['name']}'`)
    for (const entry of ['web', 'worker'] as const) {
      const env = { ...installation.env(entry), DATABASE_URL: database.url }
      expect(await refused(entry, env)).toMatch(/npm run -s mooring -- migrate/)
    }
    expect(await query(database.url, 'select count(*)::int as count from organizations')).toEqual([{ count: 0 }])
    await database.drop()
  })

  it.each([
    ['PORT', 'http'],
    ['DATABASE_URL', 'mysql://app:Tell-N0-one@localhost/app'],
    ['DATABASE_URL', 'postgres://'],
    ['MOORING_ALLOWED_NETWORKS', '10.0.0.0/33'],
    ['MOORING_DNS_SERVERS', 'dns.acme.io'],
    ['MOORING_DNS_SERVERS', '999.1.1.1'],
    ['MOORING_LOG_LEVEL', 'loud'],
  ])('for an invalid variable names it and its valid values: %s', async (variable, value) => {
    const text = await refused('web', { ...installation.env('web'), [variable]: value })
    expect(text).toMatch(new RegExp(`^${variable} must be `))
    expect(text).not.toContain('Tell-N0-one')
  })

  it.each([
    ['HOST', 'nonsense.invalid', 'an address of this machine'],
    ['HOST', '192.0.2.1', 'an address of this machine'],
    ['PORT', 'one that is taken', 'a port on which nothing else listens'],
  ])('for an unusable address names the variable: %s=%s', async (variable, value, must) => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const given = variable === 'PORT' ? String(portOf(other)) : value
    const one = start('web', { ...installation.env('web'), [variable]: given })
    expect(await one.ended).toBe(1)
    expect(one.err()).toMatch(new RegExp(`^${variable} must be ${must}[^\\n]*\\.\\n$`))
    other.close()
  })

  it('with the folder of both keyrings, or a file in its place, names the variable and the required file', async () => {
    for (const role of ['web', 'worker'] as const) {
      const folder = { ...installation.env(role), MOORING_KEYRING: installation.keyrings }
      expect(await refused(role, folder)).toMatch(
        new RegExp(`^MOORING_KEYRING must be the file ${role}\\.json in the fold`),
      )
    }
    expect(await refused('main', installation.env('web'))).toMatch(
      /^MOORING_KEYRING must be the folder that keyring init/,
    )
  })

  it('with the other role’s keyring, or without one, reports that', async () => {
    expect(await refused('web', installation.env('worker'))).toMatch(/keyring is invalid/)
    expect(await refused('worker', installation.env('web'))).toMatch(/keyring is invalid/)
    const nowhere = { ...installation.env('web'), MOORING_KEYRING: join(installation.keyrings, 'none.json') }
    expect(await refused('web', nowhere)).toMatch(/There is no keyring at .* keyring init/)
  })

  it('without a database, or with one that does not answer, reports that', async () => {
    const { DATABASE_URL: _, ...without } = installation.env('web')
    expect(await refused('web', without)).toMatch(/DATABASE_URL must be set .* npm start/)
    const away = { ...installation.env('web'), DATABASE_URL: 'postgres://app:Tell-N0-one@localhost:1/app' }
    const text = await refused('web', away)
    expect(text).toMatch(/ECONNREFUSED/)
    expect(text).not.toContain('Tell-N0-one')
  })
})
