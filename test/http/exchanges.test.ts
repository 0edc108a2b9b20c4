/** Replays every exchange of `test/exchanges`, and compares it with the OpenAPI document in both directions. */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type ExchangeCheck, exchangeCheck } from '#test/support/house/documented.ts'
import { type Exchange, expectAnswer, filled, parseStory, type Story } from '#test/support/http/exchange.ts'
import { CLOSED_PORT, givensOf, startSilent } from '#test/support/http/givens.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const folder = fileURLToPath(new URL('../exchanges', import.meta.url))
const stories = ['connections', 'datasources'].flatMap(dialect =>
  readdirSync(`${folder}/${dialect}`).map(file => {
    const text = readFileSync(`${folder}/${dialect}/${file}`, 'utf8')
    return { dialect, file, ...parseStory(text) }
  }),
)

let customer: Customer
let changing: Customer
let silent: Server
let check: ExchangeCheck
// One Mooring for each configuration that a story needs.
const moorings = new Map<string, Promise<Mooring>>()
beforeAll(async () => {
  customer = await makeCustomer()
  changing = await makeCustomer()
  silent = await startSilent()
  const usual = await mooringFor({ environment: {}, damage: [], withWorker: false })
  check = exchangeCheck((await usual.call('GET', '/openapi.json', { key: null })).body)
})
afterAll(async () => {
  for (const mooring of moorings.values()) await (await mooring).stop()
  silent.close()
  await once(silent, 'close')
  await customer.drop()
  await changing.drop()
})

function mooringFor({ environment, damage, withWorker }: Pick<Story, 'environment' | 'damage' | 'withWorker'>) {
  const key = JSON.stringify([environment, damage, withWorker])
  const known = moorings.get(key)
  if (known !== undefined) return known
  const started = start()
  moorings.set(key, started)
  return started
  async function start(): Promise<Mooring> {
    const env = { MOORING_PUBLIC_URL: 'https://mooring.example.com', ...environment }
    const mooring = await startMooring({ env, worker: withWorker })
    for (const sql of damage) await query(mooring.databaseUrl, sql)
    return mooring
  }
}

async function replay(mooring: Mooring, exchange: Exchange, given: (name: string) => Promise<string>): Promise<void> {
  const asked = {
    method: exchange.method,
    path: await filled(exchange.path, given),
    body: await filled(exchange.body, given),
  }
  const headers = new Headers()
  for (const [name, value] of exchange.headers) headers.set(name, await filled(value, given))
  const sent = { method: asked.method, headers, ...(asked.body === '' ? {} : { body: asked.body }) }
  const response = await fetch(`${mooring.url}${asked.path}`, sent)
  const answer = { status: response.status, headers: response.headers, text: await response.text() }
  expectAnswer(answer, { ...exchange.expected, body: await filled(exchange.expected.body, given) })
  expect(check.problems(asked, answer)).toEqual([])
  expect(answer.text).not.toContain(customer.password)
}

// Exchanges that reach the deadline of 30 seconds start first, and the others run beside them.
const isLong = ({ exchanges }: Story) => exchanges.some(({ expected }) => expected.status === 504)
const inOrder = stories.toSorted((one, other) => Number(isLong(other)) - Number(isLong(one)))

describe('A caller gets the documented answer', () => {
  it.concurrent.each(inOrder)('$dialect/$file: $says', { timeout: 60_000 }, async story => {
    const mooring = await mooringFor(story)
    const given = await givensOf({ mooring, customer, changing, silentPort: portOf(silent), closedPort: CLOSED_PORT })
    for (const exchange of story.exchanges) await replay(mooring, exchange, given)
  })
})

describe('The exchanges', () => {
  const all = stories.flatMap(({ dialect, exchanges }) => exchanges.map(exchange => ({ dialect, exchange })))

  it('show every operation of the document succeeding', () => {
    const done = all.filter(({ exchange }) => exchange.expected.status < 300)
    const displayed = new Set(
      done.map(({ exchange }) => check.operationOf({ ...exchange, path: plain(exchange.path) })),
    )
    expect(check.operations.filter(operation => !displayed.has(operation))).toEqual([])
  })

  it.each([
    ['connections', [200, 201, 304, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 504]],
    ['datasources', [200, 201, 304, 400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 504]],
  ])('show every status of the contract of %s', (name, statuses) => {
    const displayed = new Set(
      all.filter(({ dialect }) => dialect === name).map(({ exchange }) => exchange.expected.status),
    )
    expect(statuses.filter(status => !displayed.has(status))).toEqual([])
  })
})

/** A path whose placeholders match one segment each. */
function plain(path: string): string {
  return path.replaceAll(/\{\{[^}]+\}\}/g, 'x')
}
