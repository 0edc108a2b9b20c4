/**
 * R1 on a real PgBouncer: in session and in transaction mode, with SCRAM and with MD5, each of its refusals is reported
 * as a refusal.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyProbe } from '#server/domain/checks/verification.ts'
import { probeDatabase } from '#server/net/postgres/probe.ts'
import { nodeRoots } from '#server/net/socket/tls.ts'
import { hasPgBouncer, type PgBouncer, startPgBouncer } from '#test/support/database/pgbouncer.ts'
import { startServer, type TestServer } from '#test/support/database/postgres.ts'
import { createAuthority } from '#test/support/dials/certificates.ts'
import { localTarget } from '#test/support/dials/dialling.ts'
import { SURROUNDINGS } from '#test/support/dials/tls-servers.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const dir = await mkdtemp(join(tmpdir(), 'mooring-pooler-tls-'))
const authority = await createAuthority('An authority of the poolers')
const roots = nodeRoots(authority.cert)
let customer: Customer

beforeAll(async () => {
  await chmod(dir, 0o755)
  const { cert, key } = await authority.issue({ names: ['localhost'], addresses: ['127.0.0.1'] })
  await writeFile(join(dir, 'cert.pem'), cert)
  // The pooler runs as another account; only this test uses the key.
  await writeFile(join(dir, 'key.pem'), key, { mode: 0o644 })
  customer = await makeCustomer()
})
afterAll(async () => {
  await customer?.drop()
  await rm(dir, { recursive: true, force: true })
})

const TLS = {
  client_tls_sslmode: 'allow',
  client_tls_cert_file: join(dir, 'cert.pem'),
  client_tls_key_file: join(dir, 'key.pem'),
}

it('runs if the distribution has it', () => {
  expect(hasPgBouncer || process.platform !== 'linux').toBe(true)
})

describe.runIf(hasPgBouncer).each([
  ['session', 'scram-sha-256'],
  ['transaction', 'scram-sha-256'],
  ['session', 'md5'],
  ['transaction', 'md5'],
] as const)('PgBouncer in %s mode, with %s,', (mode, auth) => {
  let pooler: PgBouncer

  beforeAll(async () => {
    const settings = { ...TLS, auth_type: auth, server_round_robin: '1', min_pool_size: '2', default_pool_size: '2' }
    pooler = await startPgBouncer({ server: customer.url(), mode, logins: [customer.url()], settings })
  })
  afterAll(() => pooler?.stop())

  async function verified(otherwise: { user?: string; password?: string; database?: string } = {}) {
    const { database, password, roles } = customer
    const target = localTarget(pooler.port, {
      ...{ database, password, user: roles.reader, tlsMode: 'verify-full', host: '127.0.0.1' },
      ...otherwise,
    })
    const dial = { target, caCertificate: null, schema: 'app', deadlineMs: 30_000 }
    const probe = await probeDatabase(dial, { ...SURROUNDINGS, roots })
    return verifyProbe(probe, { schema: 'app', rolePolicy: 'enforce', dbType: 'postgresql', target })
  }

  it('passes a correct login', async () => {
    expect(await verified()).toMatchObject({ outcome: 'passed', reason: null })
  })

  it.each([
    ['a wrong password', { password: 'wrong-7-battery-staple' }, 'authentication_failed'],
    ['a user that it does not know', { user: 'nobody_here' }, 'authentication_failed'],
  ])('refuses %s for good', async (_, otherwise, reason) => {
    expect(await verified(otherwise)).toMatchObject({ outcome: 'refused', reason, retryable: false })
  })

  it('reports that the server behind it has no such database', async () => {
    expect(await verified({ database: 'nowhere_at_all' })).toMatchObject({ reason: 'database_not_found' })
  })
})

describe.runIf(hasPgBouncer)('A PgBouncer whose server refuses what it accepted', () => {
  const PASSWORD = 'correct-horse-7-battery'
  let server: TestServer
  let pooler: PgBouncer

  beforeAll(async () => {
    server = await startServer({
      hba: 'hostssl all encrypted 127.0.0.1/32 scram-sha-256\nhost all encrypted 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 scram-sha-256',
    })
    const roles = ['encrypted', 'changed', 'parted', 'idle']
    await server.query(roles.map(role => `create role ${role} login password '${PASSWORD}'`).join(';'))
    await server.createDatabase('shop')
    await server.query(
      "revoke connect on database shop from public; grant connect on database shop to changed; alter role changed password 'another-7-battery-staple'; alter role idle nologin",
    )
    const login = (role: string) => `postgres://${role}:${PASSWORD}@127.0.0.1/shop`
    const settings = { ...TLS, auth_type: 'scram-sha-256', server_tls_sslmode: 'disable' }
    pooler = await startPgBouncer({ server: server.adminUrl, mode: 'session', logins: roles.map(login), settings })
  })
  afterAll(async () => {
    await pooler?.stop()
    await server?.stop()
  })

  it.each([
    {
      what: 'the unencrypted link of the pooler',
      user: 'encrypted',
      reason: 'database_unreachable',
      says: 'behind the pooler',
    },
    {
      what: 'the password, which it has changed',
      user: 'changed',
      reason: 'authentication_failed',
      says: 'the server behind it did not',
    },
    {
      what: 'the role, which may not connect',
      user: 'parted',
      reason: 'database_not_found',
      says: 'grant connect on database "shop" to "parted";',
    },
    {
      what: 'the role, which has no LOGIN',
      user: 'idle',
      reason: 'authentication_failed',
      says: 'alter role "idle" login;',
    },
  ])('reports that the server refuses $what', async ({ user, reason, says }) => {
    const target = localTarget(pooler.port, { database: 'shop', user, password: PASSWORD, tlsMode: 'require' })
    const probe = await probeDatabase({ target, caCertificate: null, schema: null, deadlineMs: 30_000 }, SURROUNDINGS)
    const judged = verifyProbe(probe, { schema: null, rolePolicy: 'enforce', dbType: 'postgresql', target })
    const line = judged.checks.find(({ outcome }) => outcome === 'fail')
    expect({ reason: judged.reason, fix: line?.fix, actual: line?.actual }).toMatchObject({
      reason,
      fix: expect.stringContaining(says),
    })
    expect(line?.fix).not.toContain('sslmode=')
  })
})

describe.runIf(hasPgBouncer)('A PgBouncer that serves listed databases', () => {
  let mooring: Mooring
  let pooler: PgBouncer

  beforeAll(async () => {
    mooring = await startMooring()
    const { database } = customer
    const listed = { ...TLS, auth_type: 'scram-sha-256' }
    const serves = `${database} = host=127.0.0.1 port=${customer.port}`
    const logins = [customer.url()]
    pooler = await startPgBouncer({ server: customer.url(), mode: 'session', logins, settings: listed, serves })
  })
  afterAll(async () => {
    await pooler?.stop()
    await mooring?.stop()
  })

  const validate = async (otherwise: { password?: string; database?: string }) => {
    const connectionString = customer.url('reader', { port: pooler.port, ...otherwise })
    return mooring.client().datasources.validate.mutate({ connectionString })
  }

  it('does not know another database', async () => {
    const { reason, reachable } = await validate({ database: 'not_listed' })
    expect({ reason, reachable }).toEqual({ reason: 'database_not_found', reachable: true })
  })

  it('rejects a datasource registered with a wrong password, which is not retried automatically', async () => {
    const connectionString = customer.url('reader', { port: pooler.port, password: 'wrong-but-once' })
    const made = await mooring.client().datasources.register.mutate({ connectionString, waitSeconds: 30 })
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'authentication_failed', nextCheckAt: null })
  })

  it('gets twelve guesses, no more than PostgreSQL itself', async () => {
    const reasons: (string | undefined)[] = []
    for (let count = 0; count < 12; count += 1) reasons.push((await validate({ password: `guess-${count}` })).reason)
    // The registration before has used one guess.
    expect(reasons.slice(0, 9)).toEqual(Array(9).fill('authentication_failed'))
    expect(reasons.slice(9)).toEqual(Array(3).fill('rate_limit_exceeded'))
  })
})
