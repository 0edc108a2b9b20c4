/**
 * A4: a caller who may only create learns nothing about a stored credential by registering guesses, and a captured web
 * tier holds nothing to compare guesses with.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultOf } from '#client/index.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { makeKey } from '#test/support/access/keys.ts'
import { quiet } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { startTlsServers, TRUE_PASSWORD } from '#test/support/dials/tls-servers.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { makeTiers } from '#test/support/mooring/tiers.ts'

let mooring: Mooring
let customer: Customer
let createOnly: string
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  createOnly = await makeKey(mooring, { scopes: ['datasources.create', 'datasources.read'] })
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const sql = (text: string) => query(mooring.databaseUrl, text)
const post = (connectionString: string, options: { key?: string; wait?: number } = {}) =>
  mooring.call('POST', '/v1/datasources', {
    body: { connectionString, schema: 'app' },
    ...(options.key === undefined ? {} : { key: options.key }),
    headers: { prefer: `wait=${options.wait ?? 20}` },
  })
const wrong = () => customer.url('reader', { password: 'not-it' })
const logins = async () =>
  (
    await sql("select coalesce(sum(used), 0)::integer as used from dial_budgets where key like 'dial-organization %'")
  )[0]

/** The check state of a datasource: settling an equal credential changes none of it. */
const standingOf = (id: string) =>
  sql(`select t.attempts, t.due_at, d.next_check_at, d.status, d.status_reason, d.verified_at, d.verdict_signature,
      (select count(*) from verifications v where v.datasource_id = d.id) as verifications,
      (select count(*) from changes c where c.datasource_id = d.id) as changes
    from tasks t join datasources d on d.id = t.datasource_id where d.id = '${bareUuid(id as DatasourceId)}' and t.kind = 'verify'`)
const statesOf = async (id: string) =>
  await sql(`select version, state, sealed is null as destroyed from credentials
    where datasource_id = '${bareUuid(id as DatasourceId)}' order by version`)
const actionsOf = async (id: string) =>
  (
    await sql(
      `select action, principal_kind from audit_events where object_id = '${bareUuid(id as DatasourceId)}' order by id`,
    )
  ).map(row => `${row['principal_kind']} ${row['action']}`)

describe('A caller who may only create', () => {
  it('is refused before any comparison, in the same bytes for the right password and a wrong one', async () => {
    const { body } = await post(customer.url())
    await quiet(mooring.databaseUrl)
    const before = [await statesOf(body.id), await standingOf(body.id), await logins()]
    const answers = await Promise.all([customer.url(), wrong()].map(guess => post(guess, { key: createOnly })))
    const plain = answers.map(({ status, text }) => [status, text.replaceAll(/req_[0-9a-f]+/g, 'req')])
    expect(plain[0]?.[0]).toBe(403)
    expect(plain[0]).toEqual(plain[1])
    expect([await statesOf(body.id), await standingOf(body.id), await logins()]).toEqual(before)
    await mooring.client().datasources.remove.mutate({ id: body.id })
  })
})

describe('The credential in force, brought again', () => {
  it('is settled by the worker without a dial, and leaves only its record and its number', async () => {
    const { body } = await post(customer.url())
    await quiet(mooring.databaseUrl)
    const { id } = body
    const before = [await standingOf(id), await logins()]
    const again = await post(customer.url())
    expect(again.body).toEqual({ ...body, ...again.body, credential_version: 1 })
    expect([await standingOf(id), await logins()]).toEqual(before)
    expect(await statesOf(id)).toEqual([
      { version: 1, state: 'current', destroyed: false },
      { version: 2, state: 'retired', destroyed: true },
    ])
    expect(await actionsOf(id)).toEqual(['key datasource.registered', 'key datasource.reregistered'])
    const next = await post(customer.url('reader', { parameters: 'application_name=next' }))
    expect(next.body).toMatchObject({ id, status: 'active', credential_version: 3 })
    expect((await actionsOf(id)).slice(2)).toEqual(['key datasource.reregistered', 'key datasource.rotated'])
    await mooring.client().datasources.remove.mutate({ id })
  })

  it('is not dialled after the server refused it, either: another refusal would be counted against it', async () => {
    const { body } = await post(wrong())
    expect(body).toMatchObject({
      status: 'rejected',
      status_reason: 'authentication_failed',
      credential_fingerprint: null,
    })
    const before = [await standingOf(body.id), await logins()]
    expect((await post(wrong())).body).toMatchObject({ id: body.id, status: 'rejected', credential_version: 1 })
    expect([await standingOf(body.id), await logins()]).toEqual(before)
    expect((await post(customer.url())).body).toMatchObject({ id: body.id, status: 'active', credential_version: 3 })
    await mooring.client().datasources.remove.mutate({ id: body.id })
  })

  it('counts as a check when the credential was rejected for a cause that has since been fixed', async () => {
    const { reader } = customer.roles
    await customer.sql(`alter role ${reader} createrole bypassrls`)
    const { body } = await post(customer.url())
    expect(body).toMatchObject({ status: 'rejected', status_reason: 'byo_role_cannot_enforce_rls' })
    await customer.sql(`alter role ${reader} nocreaterole nobypassrls`)
    expect((await post(customer.url())).body).toMatchObject({ id: body.id, status: 'active', credential_version: 1 })
    await mooring.client().datasources.remove.mutate({ id: body.id })
  })

  it('delays a rotation that expects a version, and a full quota never refuses it', async () => {
    const { body } = await post(customer.url())
    const id: DatasourceId = body.id
    const named = customer.url('reader', { parameters: 'application_name=expected' })
    const [again, rotated] = await Promise.all([
      post(customer.url(), { wait: 0 }),
      mooring.client().datasources.rotate.mutate({ id, connectionString: named, expectedVersion: 1, waitSeconds: 20 }),
    ])
    expect([again.status, rotated.status]).toEqual([200, 'active'])
    await sql(`update quotas set max_datasources = datasources`)
    expect((await post(named)).body).toMatchObject({ id, status: 'active' })
    await mooring.client().datasources.remove.mutate({ id })
  })
})

describe('A string that lacks the CA certificate in force', () => {
  it('does not allow guessing past the budgets: the right password waits like a wrong one', async () => {
    const at = await startTlsServers(['good'])
    const client = mooring.client((await mooring.newOrganization('Guesser')).testKey)
    const stringOf = (password: string) =>
      `postgres://app:${password}@127.0.0.1:${at.servers.good.port}/postgres?sslmode=verify-full`
    const trusted = { connectionString: stringOf(TRUE_PASSWORD), schema: 'public', caCertificate: at.authority.cert }
    const { id, status } = await client.datasources.register.mutate({ ...trusted, waitSeconds: 20 })
    expect(status).toBe('active')
    const reported = async (password: string) => {
      const asked = { id, connectionString: stringOf(password), waitSeconds: 20 }
      const answer = await client.datasources.rotate.mutate(asked)
      return [answer.status, answer.statusReason, (await statesOf(id)).at(-1)?.['state']]
    }
    const guesses: unknown[] = []
    for (let count = 0; count < 10; count++) guesses.push(await reported(`guess-${count}`))
    expect(guesses).toEqual(guesses.map(() => ['active', 'ca_certificate_required', 'retired']))
    const kept = ['active', 'ca_certificate_required', 'pending']
    expect([await reported('guess-11'), await reported(TRUE_PASSWORD)]).toEqual([kept, kept])
    await at.stop()
  })
})

describe('A known idempotency key', () => {
  const NEVER_SAID = { endpoint: 'https://events.acme.io/teaches', signingKey: 'the first of the keys: 1234' }
  it.each([
    ['/v1/datasources', () => ({ connectionString: customer.url() }), () => ({ connectionString: wrong() })],
    [
      '/api/v1/connections',
      () => ({ name: 'Shop', db_type: 'postgresql', connection_string: customer.url() }),
      () => ({ name: 'Shop', db_type: 'postgresql', connection_string: wrong() }),
    ],
    ['/trpc/datasources.register', () => ({ connectionString: customer.url() }), () => ({ connectionString: wrong() })],
    ['/v1/datasources', () => NEVER_SAID, () => ({ ...NEVER_SAID, signingKey: 'another with its end: 1234' })],
  ])(
    'at %s answers a guess like the first request, and stores the same for every guess',
    async (...[path, first, guess]) => {
      const hashes: unknown[] = []
      const organizations = [await mooring.newOrganization('One'), await mooring.newOrganization('Other')]
      for (const [count, { id, testKey: key }] of organizations.entries()) {
        const send = (body: object) =>
          path.startsWith('/trpc')
            ? mooring.call('POST', path, { key, body: { ...body, idempotencyKey: 'known' } })
            : mooring.call('POST', path, { key, body, headers: { 'idempotency-key': 'known' } })
        const asked = count === 0 ? [first(), first(), guess()] : [guess(), guess(), first()]
        const answers: Awaited<ReturnType<typeof send>>[] = []
        for (const body of asked) answers.push(await send(body))
        expect(answers.map(({ status, text }) => [status, text])).toEqual(
          answers.map(() => [path.startsWith('/trpc') ? 200 : 201, answers[0]?.text]),
        )
        const rows = await sql(`select encode(body_hash, 'hex') as hash from idempotency_keys where org_id = '${id}'`)
        hashes.push(...rows.map(({ hash }) => hash))
      }
      expect(hashes).toHaveLength(2)
      expect(new Set(hashes).size).toBe(1)
    },
  )
})

describe('A pending credential that is never settled', () => {
  it('makes a rotation that expects a version fail after two seconds, and a waiting caller time out', async () => {
    await using tiers = await unworked()
    const { datasources } = tiers.client()
    const made = await datasources.register.mutate({ connectionString: customer.url(), schema: 'app' })
    const { id } = made
    await datasources.rotate.mutate({ id, connectionString: customer.url() })
    const startedAt = performance.now()
    const kept = datasources.rotate.mutate({ id, connectionString: customer.url(), expectedVersion: 1 })
    expect(await kept.then(() => 'none', faultOf)).toBe('conflict')
    expect(performance.now() - startedAt).toBeGreaterThan(1_900)
    const late = await datasources.rotate.mutate({ id, connectionString: customer.url(), waitSeconds: 1 })
    expect(late).toMatchObject({ status: 'unverified', credentialVersion: 1, credentialFingerprint: null })
  })
})

async function unworked() {
  const without = await startMooring({ worker: false })
  return Object.assign(without, { [Symbol.asyncDispose]: () => without.stop() })
}

describe('A captured web tier', () => {
  it('has no key to compare with, reads no sealed byte, and may write neither a fingerprint nor the permission for MD5', async () => {
    const tiers = await makeTiers()
    try {
      const worker = JSON.parse(await readFile(join(tiers.dir, 'worker.json'), 'utf8'))
      const web = await readFile(join(tiers.dir, 'web.json'), 'utf8')
      const secrets = worker.fingerprint.map((key: { secret: string }) => key.secret)
      expect(secrets.length).toBeGreaterThan(0)
      expect(secrets.filter((secret: string) => web.includes(secret))).toEqual([])
      const denied = (text: string) =>
        query(tiers.roleUrl.web, text).then(
          () => 'done',
          error => error.code,
        )
      expect(await denied("update credentials set fingerprint = 'x'")).toBe('42501')
      expect(await denied('select sealed from credentials')).toBe('42501')
      expect(await denied('update credentials set md5_allowed = true')).toBe('42501')
    } finally {
      await tiers.stop()
    }
  })

  it('of a previous release has its fingerprints deleted, and shown to nobody', async () => {
    const { body } = await post(customer.url(), { wait: 0 })
    const uuid = bareUuid(body.id)
    await sql(
      `update credentials set fingerprint = repeat('a', 32), fingerprint_key_id = null where datasource_id = '${uuid}'`,
    )
    const displayed = await mooring.client().datasources.get.query({ id: body.id })
    expect(displayed.credentialFingerprint).not.toBe('a'.repeat(32))
    const verified = await mooring.client().datasources.verify.mutate({ id: body.id, waitSeconds: 20 })
    expect(verified.credentialFingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect(verified.credentialFingerprint).not.toBe('a'.repeat(32))
    await mooring.client().datasources.remove.mutate({ id: body.id })
  })
})
