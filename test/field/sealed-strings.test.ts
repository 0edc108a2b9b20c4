/**
 * R2 to R6 for callers who seal their string: the client refuses a string before sealing it, with the code and sentence
 * that it has in clear, and the worker reports the same for a box sealed by other means, on every surface that accepts
 * one.
 */
import sodium from 'libsodium-wrappers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sealConnectionString } from '#client/index.ts'
import { typedId } from '#shared/base/wire.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { stringCases } from '#test/support/field/strings.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const TABLES = ['dashboard-strings.json', 'right-place.json', 'placeholders.json']
/** The number of concurrent registrations. */
const TOGETHER = 8
const SECRET = /s3cr3t-w|hunter/

let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  ;[mooring, customer] = await Promise.all([startMooring(), makeCustomer(), sodium.ready])
})
afterAll(async () => {
  await mooring?.stop()
  await customer?.drop()
})

const sealingKey = () => mooring.client().organization.sealingKey.query()

interface Box {
  readonly box: string
  readonly keyId: string
}

function boxOf(text: string, { key, keyId }: { key: string; keyId: string }): Box {
  const box = sodium.crypto_box_seal(text, sodium.from_base64(key, sodium.base64_variants.ORIGINAL))
  return { box: sodium.to_base64(box, sodium.base64_variants.ORIGINAL), keyId }
}

interface Place {
  readonly host: string
  readonly port: number
  readonly database: string
}

const HEADERS = { prefer: 'wait=30' }

/** Registers a box on each surface. Returns the UUID, and the text of the surface's own answer. */
const REGISTER = {
  async trpc({ box: sealedConnectionString, keyId }: Box, place: Place) {
    const body = { sealedConnectionString, keyId, ...place, waitSeconds: 30 }
    const { body: answer, text } = await mooring.call('POST', '/trpc/datasources.register', { body })
    return { uuid: bareUuid(String(answer.result.data.id)), text }
  },
  async datasources({ box, keyId }: Box, place: Place) {
    const body = { sealedConnectionString: box, key_id: keyId, ...place }
    const { body: answer, text } = await mooring.call('POST', '/v1/datasources', { body, headers: HEADERS })
    return { uuid: bareUuid(String(answer.id)), text }
  },
  async connections({ box, keyId }: Box, { database, ...place }: Place) {
    const named = { name: 'shop', db_type: 'postgresql', database_name: database }
    const body = { ...named, sealed_connection_string: box, key_id: keyId, ...place }
    const { body: answer, text } = await mooring.call('POST', '/api/v1/connections', { body, headers: HEADERS })
    return { uuid: String(answer.data.id), text }
  },
} as const
const SURFACES = ['trpc', 'datasources', 'connections'] as const

const CASES = TABLES.flatMap(stringCases)
/** A box with JSON has a form of its own, which is tested separately. */
const REFUSED = CASES.flatMap(({ text }) => {
  const parsed = parseConnectionString(text)
  return parsed.ok || text.startsWith('{') ? [] : [{ text, code: parsed.code, message: parsed.message }]
})
const CODES = [...new Set(REFUSED.map(({ code }) => code))]
/** Every ninth case for each surface, and one case of each code on all surfaces. */
const refusedOver = (surface: number) =>
  REFUSED.filter((one, at) => at % 9 === surface || one === REFUSED.find(({ code }) => code === one.code))

describe('A refused string', () => {
  it('is not sealed by the client, which reports the code and the sentence of the server', async () => {
    const key = await sealingKey()
    for (const { text, code, message } of REFUSED) {
      const error: unknown = await sealConnectionString(text, key).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ data: { issues: [{ path: ['connectionString'], code, message }] } })
    }
  })

  it.each(SURFACES.map((name, at) => [name, at] as const))(
    'in a box is rejected over %s with that code and that sentence',
    async (surface, at) => {
      const key = await sealingKey()
      const chosen = refusedOver(at)
      expect(new Set(chosen.map(({ code }) => code))).toEqual(new Set(CODES))
      const rejected = async ({ text, code, message }: (typeof chosen)[number], number: number) => {
        const place = { host: 'db.acme.io', port: 5432, database: `${surface}_${number}` }
        const made = await REGISTER[surface](boxOf(text, key), place)
        const id = typedId('ds_test_', made.uuid)
        const found = await mooring.call('GET', `/v1/datasources/${id}`)
        const [host] = found.body.checks
        const actual = `not a valid connection string (${code})`
        expect({ text, status: found.body.status, reason: found.body.status_reason, host }).toEqual({
          ...{ text, status: 'rejected', reason: 'invalid_body' },
          host: { item: 'host', outcome: 'fail', actual, fix: message },
        })
        expect([made.text, found.text].filter(answer => SECRET.test(answer))).toEqual([])
        await mooring.client().datasources.remove.mutate({ id })
      }
      for (let from = 0; from < chosen.length; from += TOGETHER)
        await Promise.all(chosen.slice(from, from + TOGETHER).map((one, index) => rejected(one, from + index)))
    },
  )

  it.each([
    ['{"connectionString":1}', 'sealed_content'],
    ['{"password":"hunter-of-ducks"}', 'sealed_content'],
    ['{', 'sealed_content'],
    ['{"connectionString":"postgres://a:b@c.io/d","caCertificate":"-----BEGIN"}', 'ca_certificate'],
  ])('that is not a string is rejected with the expected form: %s', async (text, code) => {
    const place = { host: 'c.io', port: 5432, database: `box_${code}` }
    const { uuid } = await REGISTER.trpc(boxOf(text, await sealingKey()), place)
    const { body, text: answered } = await mooring.call('GET', `/v1/datasources/${typedId('ds_test_', uuid)}`)
    expect(body).toMatchObject({ status: 'rejected', status_reason: 'invalid_body' })
    expect(body.checks[0]).toMatchObject({ outcome: 'fail', actual: expect.stringContaining(code) })
    expect(answered).not.toContain('hunter')
  })
})

/** Accepted parameters, from the cases that lead to the server of the table. */
const TAKEN = CASES.flatMap(({ text, advises }) => {
  const [, query] = /^postgres:\/\/app:[^@]*@db\.acme\.io\/app\?(.+)$/.exec(text) ?? []
  const parsed = parseConnectionString(text)
  return query === undefined || !parsed.ok || advises === undefined ? [] : [{ query, advises }]
})

describe('An accepted string', () => {
  it.each(TAKEN)('has its advice on every surface, sealed or not: $query', async ({ query, advises }) => {
    const { testKey: key } = await mooring.newOrganization(query.slice(0, 40))
    const { host, port, database } = customer
    const connectionString = customer.url('reader', { parameters: query })
    const box = boxOf(connectionString, await mooring.client(key).organization.sealingKey.query())
    const sealed = { sealedConnectionString: box.box, host, port, database }
    const answers = await Promise.all([
      mooring.client(key).datasources.validate.mutate({ connectionString }),
      mooring.client(key).datasources.validate.mutate({ ...sealed, keyId: box.keyId }),
      mooring.call('POST', '/v1/datasources/validate', { key, body: { connectionString } }),
      mooring.call('POST', '/v1/datasources/validate', { key, body: { ...sealed, key_id: box.keyId } }),
      mooring.call('POST', '/api/v1/connections', {
        key,
        body: { name: 'shop', db_type: 'postgresql', connection_string: connectionString },
      }),
    ])
    const advisories = answers.map(answer =>
      'advisories' in answer ? answer.advisories : ((answer.body.data ?? answer.body).advisories ?? []),
    )
    const own = advisories.map(list =>
      [...new Set(list.map(({ item }: { item: string }) => item))].filter(item => item !== 'tls'),
    )
    expect(own).toEqual(answers.map(() => [...new Set(advises)]))
  })
})
