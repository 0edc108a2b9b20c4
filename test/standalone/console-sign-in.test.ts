/**
 * The console's sign-in on the machine of a local installation: a terminal code, once, within five minutes, only from
 * this machine, for a test-mode key that expires after twelve hours.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LOCAL_SIGN_INS } from '#server/api/caller/limits.ts'
import { isOfThisMachine } from '#server/domain/access/local-console.ts'
import { localConsole, makeConsoleCode } from '#server/standalone/console-sign-in.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const MINUTE_MS = 60_000

let dir: string
let mooring: Mooring
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mooring-console-'))
  mooring = await startMooring({ worker: false, consoleFolder: dir })
})
afterAll(async () => {
  await mooring.stop()
  await rm(dir, { recursive: true, force: true })
})

interface Answer {
  readonly status: number
  readonly body: ReturnType<typeof JSON.parse>
}

/** Sends a code, by default with the headers of a page on this machine. `fetch` would choose `Host` itself. */
function signIn(code: string, headers: Record<string, string> = {}, to = mooring): Promise<Answer> {
  const { port, host } = new URL(to.url)
  const given = { host, origin: `http://${host}`, 'content-type': 'application/json', ...headers }
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method: 'POST', path: '/trpc/local.signIn', headers: given }
    const sent = request(options, response => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString()) }),
      )
    })
    sent.on('error', reject)
    sent.end(JSON.stringify({ code }))
  })
}

const keys = () =>
  query(
    mooring.databaseUrl,
    `select id, name, mode, scopes, issuer_id, expires_at from api_keys where name = 'console'`,
  )

describe('A code of the terminal', () => {
  it('is exchanged once, for a test-mode key named console with every scope but the lease, which lives twelve hours', async () => {
    const before = Date.now()
    const code = await makeConsoleCode(dir, new Date())
    const { status, body } = await signIn(code)
    expect(status).toBe(200)
    const { key, keyId, expiresAt } = body.result.data
    expect(key).toMatch(/^sk_test_/)
    expect(Date.parse(expiresAt) - before).toBeGreaterThanOrEqual(12 * 60 * MINUTE_MS)
    expect(Date.parse(expiresAt) - before).toBeLessThan(12 * 60 * MINUTE_MS + MINUTE_MS)
    const { items } = await mooring.client(key).organization.listKeys.query({})
    const own = items.find(one => one.id === keyId)
    expect(own).toMatchObject({ name: 'console', mode: 'test', issuerId: null, expiresAt, revokedAt: null })
    expect(own?.scopes).toContain('organization.write')
    expect(own?.scopes).not.toContain('datasources.lease')
    expect(await mooring.client(key).organization.current.query()).toMatchObject({ isLocal: true })

    const again = await signIn(code)
    expect([again.status, again.body.error.data.fault]).toEqual([401, 'apikey_invalid'])
    expect(await keys()).toHaveLength(1)
  })

  it('leaves an event of an operator in the record', async () => {
    const [event] = await query(
      mooring.databaseUrl,
      `select action, principal_kind, outcome, address from audit_events where object_id = (select id from api_keys where name = 'console')`,
    )
    expect(event).toEqual({ action: 'key.created', principal_kind: 'operator', outcome: 'ok', address: '127.0.0.1' })
  })

  it('is in no file of the data folder, and only its owner can read its file', async () => {
    const code = await makeConsoleCode(dir, new Date())
    for (const name of await readdir(dir)) expect(await readFile(join(dir, name), 'utf8')).not.toContain(code)
  })
})

describe('Without local mode', () => {
  it('there is no such procedure', async () => {
    const plain = await startMooring({ worker: false })
    try {
      const { status, body } = await signIn(await makeConsoleCode(dir, new Date()), {}, plain)
      expect([status, body.error.data.fault]).toEqual([404, 'route_not_found'])
      expect(await plain.client().organization.current.query()).toMatchObject({ isLocal: false })
    } finally {
      await plain.stop()
    }
  })
})

describe('A request', () => {
  let code: string
  beforeEach(async () => {
    code = await makeConsoleCode(dir, new Date())
  })

  it.each([
    ['whose Host is another name', { host: 'mooring.example.com', origin: 'http://mooring.example.com' }],
    ['whose Host begins like a permitted one', { host: 'localhost.example.com' }],
    ['of a page of another origin', { origin: 'https://example.com' }],
    ['of a page without an origin', { origin: 'null' }],
  ])('%s is refused, creates no key, and uses up no code', async (_which, headers) => {
    const made = await keys()
    const { status, body } = await signIn(code, headers)
    expect([status, body.error.data.fault]).toEqual([403, 'forbidden'])
    expect(await keys()).toEqual(made)
    expect(await localConsole({ dir, organizationId: '', clock: () => new Date() }).redeem(code)).toBe(true)
  })

  it('is accepted under the three names of loopback, with any port', () => {
    for (const name of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST'])
      expect(isOfThisMachine({ host: `${name}:3000`, origin: `http://${name}:5173` })).toBe(true)
    expect(isOfThisMachine({ host: 'localhost', origin: undefined })).toBe(true)
    for (const host of [undefined, '', '127.0.0.2', '127.0.0.1.nip.io', 'localhost@example.com', '[::1', '::1'])
      expect(isOfThisMachine({ host, origin: undefined })).toBe(false)
  })
})

describe('A code', () => {
  it('is valid for five minutes, and no longer', async () => {
    const now = Date.now()
    const at = (ms: number) => localConsole({ dir, organizationId: '', clock: () => new Date(now + ms) })
    expect(await at(5 * MINUTE_MS).redeem(await makeConsoleCode(dir, new Date(now)))).toBe(false)
    expect(await at(5 * MINUTE_MS - 1).redeem(await makeConsoleCode(dir, new Date(now)))).toBe(true)
  })

  it('is used up by one of many concurrent requests', async () => {
    const code = await makeConsoleCode(dir, new Date())
    const local = localConsole({ dir, organizationId: '', clock: () => new Date() })
    const spent = await Promise.all(Array.from({ length: 20 }, () => local.redeem(code)))
    expect(spent.filter(Boolean)).toHaveLength(1)
  })

  it('replaces the previous one, and a wrong one uses up nothing', async () => {
    const first = await makeConsoleCode(dir, new Date())
    const second = await makeConsoleCode(dir, new Date())
    const local = localConsole({ dir, organizationId: '', clock: () => new Date() })
    expect(await local.redeem(first)).toBe(false)
    expect(await local.redeem('')).toBe(false)
    expect(await local.redeem(second)).toBe(true)
  })

  it('may be tried ten times a minute at most, right or wrong', async () => {
    for (let tries = 0; tries < LOCAL_SIGN_INS.points; tries += 1) await signIn('wrong')
    const code = await makeConsoleCode(dir, new Date())
    const { status, body } = await signIn(code)
    expect([status, body.error.data.fault]).toEqual([429, 'rate_limit_exceeded'])
    expect(await localConsole({ dir, organizationId: '', clock: () => new Date() }).redeem(code)).toBe(true)
  })
})
