/** A web tier or proxy that reads every request of the typed client finds no password, however the client is called. */
import { createServer, type Server } from 'node:http'
import { getUntypedClient, type TRPCLink } from '@trpc/client'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createClient, faultOf } from '#client/index.ts'
import type { AppRouter } from '#server/api/router.ts'
import { effects } from '#test/support/database/rows.ts'
import { createAuthority } from '#test/support/dials/certificates.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { bundleForBrowsers, chromiumPath, startChromium } from '#test/support/http/chromium.ts'
import { waysOfCalling } from '#test/support/http/ways-of-calling.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

// The tests start a browser and build a bundle: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const PASSWORD = 'Never-in-clear_0n'
const CHROMIUM = chromiumPath()

let mooring: Mooring
let customer: Customer
let authority: Awaited<ReturnType<typeof createAuthority>>
let page: Server
beforeAll(async () => {
  page = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'))
  await new Promise<void>(resolve => page.listen(0, '127.0.0.1', resolve))
  authority = await createAuthority('Someone')
  mooring = await startMooring({ env: { MOORING_CORS_ORIGINS: `http://127.0.0.1:${portOf(page)}` } })
  customer = await makeCustomer(PASSWORD)
})
afterAll(async () => {
  page.close()
  await mooring.stop()
  await customer.drop()
})

/** Every form of a secret that a body could show: plain, hexadecimal, percent-encoded and base64. */
const traces = (secret: string) => [
  secret,
  Buffer.from(secret).toString('hex'),
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64').slice(2, -4),
]

function expectNoTrace(sent: readonly string[], secret: string): void {
  expect(traces(secret).filter(trace => sent.some(one => one.includes(trace)))).toEqual([])
}

/** The requests that `fetch` sends during a step: address, headers and body of each. */
async function sentWhile(work: () => Promise<unknown>): Promise<string[]> {
  const sent: string[] = []
  const { fetch } = globalThis
  globalThis.fetch = (input, init) => {
    sent.push(`${String(input)} ${JSON.stringify(init?.headers ?? {})} ${String(init?.body ?? '')}`)
    return fetch(input, init)
  }
  try {
    await work()
    return sent
  } finally {
    globalThis.fetch = fetch
  }
}

const deps = () => ({ url: mooring.url, key: mooring.organization.testKey, connectionString: customer.url() })
const WAYS = Object.keys(waysOfCalling({ url: '', key: '', connectionString: 'postgresql://a:b@c/d' }))

describe('The typed client', () => {
  it.each(WAYS)('sends a box and no password: %s', async way => {
    const sent = await sentWhile(async () => {
      const answer = await waysOfCalling(deps())[way]?.()
      expect(answer).toMatchObject(/^(register|rotate)/.test(way) ? { host: customer.host } : { ready: true })
    })
    expectNoTrace(sent, PASSWORD)
    const boxes = sent.filter(one => one.includes('sealedConnectionString'))
    expect(boxes.length).toBeGreaterThan(0)
    expect(sent.join()).not.toContain('"connectionString"')
  })

  it.each([
    ['a CA certificate', () => authority.cert],
    ['none, for the public ones', () => null],
  ])('puts %s into the box, and none of it beside the box', async (_what, certificate) => {
    const client = getUntypedClient(createClient(deps()))
    const { connectionString } = deps()
    const sent = await sentWhile(() =>
      client.mutation('datasources.validate', { connectionString, caCertificate: certificate() }).catch(faultOf),
    )
    expectNoTrace(sent, PASSWORD)
    expect(sent.join()).not.toContain('caCertificate')
    expect(sent.join()).not.toContain('BEGIN CERTIFICATE')
  })

  it.each<[string, object]>([
    ['under another spelling', { connection_string: `postgresql://a:${PASSWORD}@db.acme.io/shop` }],
    ['in capitals', { connectionstring: `postgresql://a:${PASSWORD}@db.acme.io/shop` }],
    ['in place of a box', { sealedConnectionString: `postgresql://a:${PASSWORD}@db.acme.io/shop` }],
    ['in a list', { connectionString: [`postgresql://a:${PASSWORD}@db.acme.io/shop`] }],
    ['in an object', { connectionString: { url: `postgresql://a:${PASSWORD}@db.acme.io/shop` } }],
    ['that Mooring would refuse', { connectionString: `postgresql://a:${PASSWORD}@db.acme.io/shop?service=x` }],
    [
      'beside a certificate that is none',
      { connectionString: `postgresql://a:${PASSWORD}@db.acme.io/shop`, caCertificate: 7 },
    ],
  ])('sends no part of a string %s', async (_what, input) => {
    const before = await effects(mooring.databaseUrl)
    const untyped = getUntypedClient(createClient(deps()))
    const thrown: unknown[] = []
    const sent = await sentWhile(() =>
      untyped.mutation('datasources.register', input).catch(error => thrown.push(error)),
    )
    expect(thrown.map(faultOf)).toEqual(['invalid_body'])
    expect(sent.filter(one => !one.includes('organization.sealingKey'))).toEqual([])
    expectNoTrace([String(thrown[0]), JSON.stringify(thrown[0])], PASSWORD)
    expect(await effects(mooring.databaseUrl)).toEqual(before)
  })

  it('shows only boxes to a logger among its links', async () => {
    const seen: string[] = []
    const logger: TRPCLink<AppRouter> = () => {
      return ({ op, next }) => {
        seen.push(JSON.stringify(op.input))
        return next(op)
      }
    }
    const client = createClient({ ...deps(), links: [logger] })
    const { connectionString } = deps()
    expect(await client.datasources.validate.mutate({ connectionString })).toMatchObject({ ready: true })
    expect(seen.join()).toContain('sealedConnectionString')
    expectNoTrace(seen, PASSWORD)
  })

  it('sends nothing when the call is aborted while it is being sealed', async () => {
    const client = createClient(deps())
    const given = new AbortController()
    const { connectionString } = deps()
    const sent = await sentWhile(async () => {
      const call = client.datasources.validate.mutate({ connectionString }, { signal: given.signal })
      given.abort()
      await expect(call).rejects.toThrow()
      await client.datasources.list.query({})
    })
    expect(sent.join()).not.toContain('validate')
  })
})

describe.skipIf(CHROMIUM === null)('A page in Chromium', () => {
  let browser: Browser
  let script: string
  beforeAll(async () => {
    script = await bundleForBrowsers('fixtures/browser/page.ts')
    browser = await startChromium(CHROMIUM ?? '')
  })
  afterAll(() => browser?.close())

  it('sends boxes and no password in every way of calling, as its own requests show', async () => {
    const opened = await browser.newPage()
    const sent: string[] = []
    opened.on('request', request => sent.push(`${request.url()} ${request.postData() ?? ''}`))
    await opened.goto(`http://127.0.0.1:${portOf(page)}/`)
    await opened.addScriptTag({ content: script })
    const answers = await opened.evaluate(
      // Runs in the page, which the script has defined it in.
      input => (globalThis as object as { callAll(input: object): Promise<Record<string, string>> }).callAll(input),
      deps(),
    )
    expect(Object.keys(answers)).toEqual(WAYS)
    for (const [way, answer] of Object.entries(answers))
      expect([way, answer]).toEqual([way, expect.not.stringContaining('failed')])
    expect(sent.filter(one => one.includes('sealedConnectionString')).length).toBeGreaterThan(WAYS.length - 2)
    expectNoTrace(sent, PASSWORD)
    expect(sent.join()).not.toContain('"connectionString"')
  })

  it('loads a script without Node and without the server', () => {
    expect(script).not.toMatch(/require\("node:|from "node:/)
    // `client/index.ts` imports only types from the server: none of them is in the bundle.
    expect(script).toContain('crypto_box_seal')
    expect(script).not.toMatch(/crypto_box_seal_open\(box|insert into|DATABASE_URL/)
  })
})
