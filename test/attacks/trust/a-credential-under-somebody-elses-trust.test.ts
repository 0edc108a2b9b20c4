/**
 * A3: the attacker puts their own certificate authority under a stored credential, and the customer's name leads to
 * their server. It asks for the password in clear, as MD5 or by SCRAM, and must never get one that was given under
 * another trust.
 */

import { connect } from 'node:net'
import { join } from 'node:path'
import sodium from 'libsodium-wrappers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leasedClient } from '#client/node/leased-client.ts'
import { openLeasedPlace } from '#client/node/leased-place.ts'
import { readWebKeyring } from '#server/seal/keyring-file.ts'
import { createSealer } from '#server/seal/sealer.ts'
import { openDb, transaction } from '#server/store/database/db.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import { query } from '#test/support/database/postgres.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { createAuthority } from '#test/support/dials/certificates.ts'
import { frame, startHostile } from '#test/support/dials/hostile-postgres.ts'
import { startTlsServers, type TlsServers, TRUE_PASSWORD } from '#test/support/dials/tls-servers.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { replacePending } from '#test/support/keys/replace-pending.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { makeTiers } from '#test/support/mooring/tiers.ts'

let mooring: Mooring
let at: TlsServers
beforeAll(async () => {
  mooring = await startMooring()
  at = await startTlsServers(['good'])
})
afterAll(async () => {
  await mooring.stop()
  await at.stop()
})

const ca = () => at.authority.cert
const stringOf = (parts: { user?: string; port?: number; parameters?: string } = {}) =>
  `postgres://${parts.user ?? 'app'}:${TRUE_PASSWORD}@127.0.0.1:${parts.port ?? at.servers.good.port}/postgres?${parts.parameters ?? 'sslmode=verify-full'}`
const datasources = () => mooring.client().datasources
const registered = (parts: Parameters<typeof stringOf>[0] = {}) =>
  datasources().register.mutate({
    connectionString: stringOf(parts),
    schema: 'public',
    caCertificate: ca(),
    waitSeconds: 20,
  })

/**
 * A server that is honest at first: later it has a certificate under the named CA, and asks for the password as
 * configured.
 */
async function attacker(request: Buffer, mood: { isHonest: boolean }, authority = at.authority) {
  const pair = await authority.issue({ names: ['localhost'], addresses: ['127.0.0.1'] })
  const server = await startHostile(async peer => {
    if (mood.isHonest) return peer.relay(connect(at.servers.good.port, '127.0.0.1'))
    await peer.encrypt(pair)
    await peer.startup()
    peer.send(request)
    await peer.message()
  })
  return { ...server, heard: () => server.received().toString('latin1') }
}

describe('A CA certificate without its connection string', () => {
  it('is refused, in clear and beside a sealed string, and nothing is written', async () => {
    const { id } = await registered()
    const alone = await mooring.call('POST', '/trpc/datasources.rotate', { body: { id, caCertificate: ca() } })
    expect(alone.status).toBe(400)
    expect(alone.text).toContain('connectionString')
    const { keyId, key } = await mooring.client().organization.sealingKey.query()
    await sodium.ready
    const box = Buffer.from(sodium.crypto_box_seal(stringOf(), Buffer.from(key, 'base64'))).toString('base64')
    const sealed = {
      sealedConnectionString: box,
      keyId,
      host: '127.0.0.1',
      port: at.servers.good.port,
      database: 'postgres',
    }
    for (const input of [
      { path: '/trpc/datasources.rotate', body: { id, ...sealed, caCertificate: ca() } },
      { path: '/trpc/datasources.register', body: { ...sealed, caCertificate: ca() } },
      { path: '/trpc/datasources.validate', body: { ...sealed, caCertificate: ca() } },
    ]) {
      const refused = await mooring.call('POST', input.path, { body: input.body })
      expect([refused.status, refused.text.includes('caCertificate')]).toEqual([400, true])
    }
    const rows = await query(
      mooring.databaseUrl,
      `select version from credentials where datasource_id = '${bareUuid(id)}'`,
    )
    expect(rows).toEqual([{ version: 1 }])
  })

  it.each([
    ['as an earlier release left it behind', { kind: 'ca-certificate' as const }],
    [
      'beside a box that a caller sealed, put there by a web tier that was taken over',
      { kind: 'client-sealed' as const },
    ],
  ])('%s is refused by the worker without a dial', async (_how, { kind }) => {
    const { id } = await registered()
    const keyed = await mooring.client().organization.sealingKey.query()
    await sodium.ready
    const box = Buffer.from(sodium.crypto_box_seal(stringOf(), Buffer.from(keyed.key, 'base64'))).toString('base64')
    const projection = { host: '127.0.0.1', port: at.servers.good.port, database: 'postgres' }
    const evil = (await createAuthority('An authority of the attacker')).cert
    const secret =
      kind === 'ca-certificate'
        ? { kind, caCertificate: evil }
        : { kind, box, keyId: keyed.keyId, projection, caCertificate: evil, allowMove: true }
    const row = await organizations.currentKey(mooring.db, mooring.organization.id)
    const sealer = await createSealer(mooring.keyring)
    const to = row === undefined ? null : sealer.verifyKey(row)
    if (to === null) throw new Error('no key')
    const context = { organizationId: mooring.organization.id, datasourceId: bareUuid(id), version: 2 }
    const sealed = sealer.sealCredential(to, context, secret)
    await mooring.db
      .insertInto('credentials')
      .values({
        org_id: context.organizationId,
        datasource_id: context.datasourceId,
        version: 2,
        state: 'pending',
        key_id: sealed.keyId,
        sealed: sealed.box,
        signer_id: sealed.signerId,
        signature: sealed.signature,
        fingerprint: null,
        last4: null,
        created_at: new Date(),
      })
      .execute()
    const ended = await datasources().verify.mutate({ id, waitSeconds: 20 })
    expect(ended).toMatchObject({ status: 'active', statusReason: 'ca_certificate_required', credentialVersion: 1 })
  })
})

describe('A string without the CA certificate that is in force', () => {
  it('is the same credential when it is equal; any other is refused until it brings the certificate, or null', async () => {
    const { id } = await registered()
    const rotate = (input: object) =>
      datasources().rotate.mutate({ id, connectionString: stringOf(), waitSeconds: 20, ...input })
    expect(await rotate({})).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 1 })
    const other = stringOf({ parameters: 'sslmode=verify-full&application_name=other' })
    const refused = { status: 'active', statusReason: 'ca_certificate_required', credentialVersion: 1 }
    expect(await rotate({ connectionString: other })).toMatchObject(refused)
    expect(await rotate({ connectionString: other, caCertificate: ca() })).toMatchObject({
      statusReason: null,
      credentialVersion: 4,
    })
    const open = stringOf({ parameters: 'sslmode=require' })
    expect(await rotate({ connectionString: open, caCertificate: null })).toMatchObject({
      statusReason: null,
      credentialVersion: 5,
    })
  })
})

describe('A CA certificate inside the sealed box', () => {
  it.each([
    ['is taken', () => ({ caCertificate: ca() }), 'active', null],
    ['that is no certificate is refused', () => ({ caCertificate: 'none' }), 'rejected', 'invalid_body'],
    [
      'beside a field that nobody knows is refused',
      () => ({ caCertificate: ca(), host: 'x' }),
      'rejected',
      'invalid_body',
    ],
  ])('%s', async (...[, more, status, statusReason]) => {
    await sodium.ready
    const { keyId, key } = await mooring.client().organization.sealingKey.query()
    const content = JSON.stringify({ connectionString: stringOf(), ...more() })
    const box = Buffer.from(sodium.crypto_box_seal(content, Buffer.from(key, 'base64'))).toString('base64')
    const place = { host: '127.0.0.1', port: at.servers.good.port, database: 'postgres' }
    const made = await datasources().register.mutate({
      sealedConnectionString: box,
      keyId,
      ...place,
      schema: 'public',
      waitSeconds: 20,
    })
    expect(made).toMatchObject({ status, statusReason })
  })
})

describe('The holder of a lease, under a CA certificate that a caller named', () => {
  const ends = async (user: string, more: object = {}) => {
    const bound = {
      datasourceId: 'ds_00000000000000000000000000000000',
      id: 'lease_00000000000000000000000000000000',
    } as const
    const place = openLeasedPlace({
      connectionString: stringOf({ user }),
      caCertificate: ca(),
      addresses: ['127.0.0.1'],
      ...bound,
      mode: 'test',
      credentialVersion: 1,
      publicKey: '',
      expiresAt: new Date().toISOString(),
      ...more,
    })
    const Client = leasedClient(() => place)
    const client = new Client()
    client.on('error', () => undefined)
    return client.connect().then(
      () => client.end().then(() => 'in'),
      (error: Error) => error.message,
    )
  }

  it('sends no password in clear, and as MD5 only if it was in use so', async () => {
    expect(await ends('app')).toBe('in')
    for (const more of [{}, { md5Allowed: true }]) expect(await ends('in_clear', more)).toMatch(/expose/)
    expect(await ends('as_md5')).toMatch(/expose/)
    expect(await ends('as_md5', { md5Allowed: true })).toBe('in')
  })
})

describe('Under a CA certificate that a caller named', () => {
  it.each([
    ['in clear', frame('R', 3)],
    ['as MD5', frame('R', 5, Buffer.from('salt'))],
  ])('no password is sent %s', async (_how, request) => {
    const server = await attacker(request, { isHonest: false })
    const made = await registered({ port: server.port })
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'authentication_unsafe' })
    expect(made.checks.find(check => check.outcome === 'fail')?.fix).toContain("password_encryption = 'scram-sha-256'")
    expect(server.heard()).toContain('user\0app')
    expect(server.heard()).not.toContain(TRUE_PASSWORD)
    expect(server.heard()).not.toMatch(/p\0\0\0.md5/)
    await server.stop()
  })

  it.each([
    ['in clear', frame('R', 3)],
    ['as MD5', frame('R', 5, Buffer.from('salt'))],
  ])(
    'no password is sent %s by the checks of an active datasource after its server has changed',
    async (_how, request) => {
      const mood = { isHonest: true }
      const server = await attacker(request, mood)
      const { id, status } = await registered({ port: server.port })
      expect(status).toBe('active')
      mood.isHonest = false
      const later = await datasources().verify.mutate({ id, waitSeconds: 20 })
      expect(later).toMatchObject({ status: 'active', statusReason: 'authentication_unsafe' })
      expect(server.heard()).toContain('user\0app')
      expect(server.heard()).not.toContain(TRUE_PASSWORD)
      expect(server.heard()).not.toMatch(/p\0\0\0.md5/)
      await server.stop()
    },
  )

  it('a caller’s validation does not try MD5 either', async () => {
    const { id, status } = await registered({ user: 'as_md5' })
    expect(status).toBe('rejected')
    await query(
      mooring.databaseUrl,
      `update credentials set md5_allowed = true where datasource_id = '${bareUuid(id)}'`,
    )
    expect(await datasources().validateRegistered.mutate({ id })).toMatchObject({
      ready: false,
      reason: 'authentication_unsafe',
    })
  })

  it('a credential in use under MD5 continues with advice, never in clear, and a new one is refused', async () => {
    const made = await registered({ user: 'as_md5' })
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'authentication_unsafe' })
    const uuid = bareUuid(made.id)
    // As the migration leaves it: in force, active, and previously used with MD5.
    await query(
      mooring.databaseUrl,
      `update credentials set md5_allowed = true where datasource_id = '${uuid}';
       update datasources set status = 'active' where id = '${uuid}'`,
    )
    const goesOn = await datasources().verify.mutate({ id: made.id, waitSeconds: 20 })
    expect(goesOn).toMatchObject({ status: 'active', statusReason: null })
    expect(goesOn.advisories.map(advice => advice.item)).toContain('authenticate')
    const renewed = {
      id: made.id,
      connectionString: stringOf({ user: 'as_md5', parameters: 'sslmode=verify-ca' }),
      caCertificate: ca(),
    }
    expect(await datasources().rotate.mutate({ ...renewed, waitSeconds: 20 })).toMatchObject({
      statusReason: 'authentication_unsafe',
      credentialVersion: 1,
    })
    await at.servers.good.query(
      `set password_encryption = 'scram-sha-256'; alter role as_md5 password '${TRUE_PASSWORD}'`,
    )
    expect(await datasources().verify.mutate({ id: made.id, waitSeconds: 20 })).toMatchObject({
      status: 'active',
      advisories: [],
    })
    const [row] = await query(
      mooring.databaseUrl,
      `select md5_allowed from credentials where datasource_id = '${uuid}' and state = 'current'`,
    )
    expect(row).toEqual({ md5_allowed: false })
  })
})

describe('A captured web tier, apart from the worker and under its own role', () => {
  it('puts an authority of its own under the credential in force, and its server receives no password', async () => {
    await using cleanup = new AsyncDisposableStack()
    const tiers = await makeTiers()
    cleanup.defer(() => tiers.stop())
    const evil = await createAuthority('An authority of the attacker')
    const of = { isHonest: true }
    const server = await attacker(frame('R', 3), of, evil)
    cleanup.defer(() => server.stop())
    const [web] = await Promise.all([tiers.start('web'), tiers.start('worker')])
    const client = await tiers.client(web)
    const { id, status } = await client.datasources.register.mutate({
      connectionString: stringOf({ port: server.port }),
      schema: 'public',
      caCertificate: ca(),
      waitSeconds: 20,
    })
    expect(status).toBe('active')
    of.isHonest = false
    const taken = openDb({ url: tiers.roleUrl.web, size: 1, onError: () => undefined })
    cleanup.defer(() => taken.destroy())
    const sealer = await createSealer(await readWebKeyring(join(tiers.dir, 'web.json')))
    const row = await organizations.currentKey(taken, tiers.organization.id)
    const key = row === undefined ? null : sealer.verifyKey(row)
    if (key === null) throw new Error('no key')
    const context = { organizationId: tiers.organization.id, datasourceId: bareUuid(id), version: 2 }
    const sealed = sealer.sealCredential(key, context, { kind: 'ca-certificate', caCertificate: evil.cert })
    const entry = {
      datasourceId: context.datasourceId,
      version: 2,
      credential: { sealed, last4: null },
      now: new Date(),
    }
    await transaction(taken, tx => replacePending(unitOf(tx, context.organizationId), entry))
    const ended = await client.datasources.verify.mutate({ id, waitSeconds: 20 })
    expect(ended).toMatchObject({ status: 'active', statusReason: 'ca_certificate_required', credentialVersion: 1 })
    // The next check of the credential in force meets the attacker's server, whose certificate no named authority has
    // signed.
    const met = await client.datasources.verify.mutate({ id, waitSeconds: 20 })
    expect(met).toMatchObject({ status: 'active', statusReason: 'tls_failed' })
    expect(server.heard()).not.toContain(TRUE_PASSWORD)
  })
})
