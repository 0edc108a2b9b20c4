/** Decisions about access that need no database: who may do what, what a revocation must say, which keys a lease may be sealed to. */
import { describe, expect, it } from 'vitest'
import { comparedBody } from '#server/domain/access/compared-body.ts'
import { newId, stampIdsBy } from '#server/domain/access/ids.ts'
import { CALLER_GRACE_MS, destroyableAt, isAcceptedFromCallers } from '#server/domain/access/key-life.ts'
import { isUsablePublicKey, leasedTarget } from '#server/domain/access/lease.ts'
import { isOfThisMachine } from '#server/domain/access/local-console.ts'
import { countedDescendants, isChildren, missingConsent } from '#server/domain/access/revocation.ts'
import { isWithin, type Principal, refusal, requireScope } from '#server/domain/access/scope.ts'
import { packBox, Secret, unpackBox } from '#server/domain/access/sealed.ts'
import { readSealedContent } from '#server/domain/access/sealed-content.ts'
import { parseConnectionString, type Target } from '#shared/connection-string/connection-string.ts'

const KEY: Principal = {
  kind: 'key',
  id: 'key',
  organizationId: 'one',
  mode: 'test',
  scopes: ['datasources.read', 'datasources.create', 'datasources.update', 'organization.read', 'organization.write'],
  datasourceIds: null,
  expiresAt: null,
}

describe('A key', () => {
  it('does what its scopes name and nothing else', () => {
    expect(refusal(KEY, 'datasources.update')).toBeNull()
    expect(refusal(KEY, 'feeds.write')).toBe('forbidden')
    expect(refusal(KEY, 'organization.write')).toBeNull()
    expect(refusal({ ...KEY, scopes: [] }, 'datasources.read')).toBe('forbidden')
  })

  it('reads both planes, and changes only its own', () => {
    expect(refusal(KEY, 'datasources.read', { mode: 'live' })).toBeNull()
    expect(refusal(KEY, 'organization.read', { mode: 'live' })).toBeNull()
    expect(refusal({ ...KEY, scopes: ['feeds.read'] }, 'feeds.read', { mode: 'live' })).toBeNull()
    expect(refusal(KEY, 'datasources.update', { mode: 'live' })).toBe('forbidden')
    expect(refusal(KEY, 'datasources.update', { mode: 'test' })).toBeNull()
    expect(refusal(KEY, 'datasources.update', {})).toBeNull()
  })
})

describe('A capability', () => {
  const capability: Principal = { ...KEY, kind: 'capability', datasourceIds: ['shop'] }

  it('touches the datasources that it names, and makes no other', () => {
    expect(refusal(capability, 'datasources.update', { datasourceId: 'shop' })).toBeNull()
    expect(refusal(capability, 'datasources.update', { datasourceId: 'stock' })).toBe('capability_scope_denied')
    expect(refusal(capability, 'datasources.update', {})).toBeNull()
    expect(refusal(capability, 'datasources.create')).toBe('capability_scope_denied')
    expect(refusal({ ...capability, datasourceIds: null }, 'datasources.create')).toBeNull()
    expect(refusal({ ...capability, datasourceIds: null }, 'datasources.update', { datasourceId: 'stock' })).toBeNull()
    expect(refusal({ ...capability, datasourceIds: [] }, 'datasources.read', { datasourceId: 'shop' })).toBe(
      'capability_scope_denied',
    )
  })

  it('never touches the organization, whatever its row says', () => {
    for (const scope of ['organization.read', 'organization.write'] as const)
      expect(refusal({ ...capability, datasourceIds: null }, scope)).toBe('capability_scope_denied')
    expect(refusal(capability, 'feeds.write')).toBe('capability_scope_denied')
  })

  it('is refused by a fault with the same code', () => {
    expect(() => requireScope(capability, 'datasources.update', { datasourceId: 'shop' })).not.toThrow()
    expect(() => requireScope(capability, 'datasources.update', { datasourceId: 'stock' })).toThrow(
      expect.objectContaining({ code: 'capability_scope_denied' }),
    )
    expect(() => requireScope(KEY, 'feeds.write')).toThrow(expect.objectContaining({ code: 'forbidden' }))
  })

  it('is granted no more than its maker has', () => {
    expect(isWithin(['feeds.read'], ['feeds.read', 'feeds.write'])).toBe(true)
    expect(isWithin([], [])).toBe(true)
    expect(isWithin(['feeds.read', 'feeds.write'], ['feeds.read'])).toBe(false)
  })
})

describe('A revocation', () => {
  const none = { keys: 0, capabilities: 0 }
  it('says what becomes of the tokens that the key has made, where there are any', () => {
    for (const living of [
      { keys: 1, capabilities: 0 },
      { keys: 0, capabilities: 1 },
    ]) {
      expect(missingConsent({}, { living, endsWriting: false })).toBe('children')
      expect(missingConsent({ force: true }, { living, endsWriting: true })).toBe('children')
      expect(missingConsent({ children: 'keep' }, { living, endsWriting: false })).toBeNull()
    }
    expect(missingConsent({}, { living: none, endsWriting: false })).toBeNull()
  })

  it('says that it is meant where nobody could write any more', () => {
    expect(missingConsent({}, { living: none, endsWriting: true })).toBe('force')
    expect(missingConsent({ force: false }, { living: none, endsWriting: true })).toBe('force')
    expect(missingConsent({ force: true }, { living: none, endsWriting: true })).toBeNull()
    expect(missingConsent({ children: 'revoke' }, { living: { keys: 1, capabilities: 1 }, endsWriting: true })).toBe(
      'force',
    )
  })

  it('counts what it would reach in words', () => {
    expect(countedDescendants({ keys: 2, capabilities: 1 })).toBe('2 living keys and 1 living capability')
    expect(countedDescendants({ keys: 1, capabilities: 0 })).toBe('1 living key and 0 living capabilities')
    expect(['revoke', 'keep', '', 'Keep'].map(isChildren)).toEqual([true, true, false, false])
  })
})

function target(text: string): Target {
  const parsed = parseConnectionString(text)
  if (!parsed.ok) throw new Error(parsed.message)
  return parsed.target
}

describe('A lease', () => {
  const P = 2n ** 255n - 19n
  const bytes = (u: bigint) => Uint8Array.from({ length: 32 }, (_, at) => Number((u >> BigInt(8 * at)) & 255n))

  it('is sealed to no point of low order, in any of its notations', () => {
    const orderEight = [
      325606250916557431795983626356110631294008115727848805560023387167927233504n,
      39382357235489614581723060781553021112529911719440698176882885853963445705823n,
    ]
    for (const u of [0n, 1n, P - 1n, ...orderEight]) {
      expect(isUsablePublicKey(bytes(u))).toBe(false)
      expect(isUsablePublicKey(bytes(u + 2n ** 255n)), 'with the ignored bit').toBe(false)
      if (u + P < 2n ** 255n) expect(isUsablePublicKey(bytes(u + P)), 'above p').toBe(false)
    }
  })

  it('is sealed to other points of 32 bytes', () => {
    for (const u of [2n, 9n, P - 2n, 256n, 2n ** 248n]) expect(isUsablePublicKey(bytes(u)), String(u)).toBe(true)
    expect(isUsablePublicKey(bytes(9n).subarray(1))).toBe(false)
    expect(isUsablePublicKey(new Uint8Array([...bytes(9n), 0]))).toBe(false)
    expect(isUsablePublicKey(new Uint8Array(0))).toBe(false)
  })

  it('says to its holder how to dial: without TLS in an open network alone', () => {
    const of = (mode: Target['tlsMode']): Target => ({ ...target('postgres://u:p@db.acme.io/shop'), tlsMode: mode })
    const seen = (open: boolean) =>
      (['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const).map(
        mode => leasedTarget(of(mode), open)?.tlsMode ?? null,
      )
    expect(seen(false)).toEqual([null, 'require', 'require', 'require', 'verify-ca', 'verify-full'])
    expect(seen(true)).toEqual(['disable', 'prefer', 'prefer', 'require', 'verify-ca', 'verify-full'])
    expect(leasedTarget(of('allow'), true)).toEqual({ ...of('allow'), tlsMode: 'prefer' })
  })
})

describe('The compared part of a body', () => {
  const shop = target('postgres://reader:first@db.acme.io/shop')

  it('has everything but passwords', () => {
    const one = comparedBody({ name: 'Shop', connectionString: 'postgres://…' }, shop)
    expect(JSON.parse(one)).toEqual({ name: 'Shop', connectionString: { ...shop, password: null } })
    expect(comparedBody({ connection_string: 'x' }, shop)).toContain('"password":null')
    expect(one).not.toContain('first')
    expect(comparedBody({ connectionString: 'postgres://reader:first@db' }, null)).toBe('{"connectionString":null}')
  })

  it('has of a signing key its last four characters', () => {
    expect(comparedBody({ signingKey: 'Tell-N0-one', wait: 1 }, null)).toBe('{"signingKey":"-one","wait":1}')
    expect(comparedBody({ signingKey: 7 }, null)).toBe('{"signingKey":null}')
  })

  it('is the body itself where that is no object', () => {
    expect([[1, { signingKey: 'x' }], 'text', null, undefined, 5].map(body => comparedBody(body, shop))).toEqual([
      '[1,{"signingKey":"x"}]',
      '"text"',
      'null',
      'null',
      '5',
    ])
  })
})

describe('A caller’s sealed box', () => {
  const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  const text = 'postgres://reader:first@db.acme.io/shop?schema=app'

  it('holds a connection string alone, or with a certificate as JSON', () => {
    const plain = readSealedContent(text)
    expect(plain).toMatchObject({ ok: true, target: { host: 'db.acme.io', database: 'shop' }, said: { schema: 'app' } })
    expect('caCertificate' in plain && plain.caCertificate).toBeUndefined()
    expect(readSealedContent(JSON.stringify({ connectionString: text, caCertificate: null }))).toMatchObject({
      ok: true,
      caCertificate: null,
      target: { host: 'db.acme.io' },
    })
    expect(readSealedContent(JSON.stringify({ connectionString: text }))).toMatchObject({ ok: true })
  })

  it('that holds something else is refused without a word of it', () => {
    const says = {
      ok: false,
      code: 'sealed_content',
      message:
        'The box contains neither a connection string nor JSON with connectionString and, optionally, caCertificate.',
    }
    for (const wrong of ['{', '{}', '{"connectionString":7}', `{"connectionString":"${text}","more":1}`])
      expect(readSealedContent(wrong), wrong).toEqual(says)
    const certificate = readSealedContent(JSON.stringify({ connectionString: text, caCertificate: `x${CERTIFICATE}` }))
    expect(certificate).toMatchObject({ ok: false, code: 'ca_certificate' })
    expect(JSON.stringify(certificate)).toMatch(/The caCertificate in the box: .+\."/)
    expect(readSealedContent('nothing')).toMatchObject({ ok: false })
    for (const each of [certificate, readSealedContent(`{"connectionString":"${text}","more":1}`)])
      expect(JSON.stringify(each)).not.toContain('first')
  })
})

describe('A box in a column', () => {
  const box = { keyId: '0190aaaa-0000-7000-8000-000000000001', box: Buffer.from('box'), signerId: 'web-1' }
  it('is read as it was written, and is none where a part is missing or damaged', () => {
    const sealed = { ...box, signature: Buffer.from('signature') }
    const packed = packBox(sealed)
    expect(unpackBox(packed)).toEqual(sealed)
    const parts = JSON.parse(packed.toString('utf8'))
    expect(unpackBox(Buffer.from('{'))).toBeNull()
    for (const edit of [{ keyId: 'one' }, { box: '*' }, { signature: 7 }, { signerId: undefined }])
      expect(unpackBox(Buffer.from(JSON.stringify({ ...parts, ...edit }))), JSON.stringify(edit)).toBeNull()
  })
})

describe('A secret', () => {
  it('has the shape of its kind, and a target with a host', () => {
    const direct = { kind: 'direct', target: target('postgres://u:p@db/shop'), caCertificate: null }
    expect(Secret.safeParse(direct).success).toBe(true)
    expect(Secret.safeParse({ ...direct, allowMove: true, keepCertificate: true }).data).toMatchObject({
      allowMove: true,
    })
    for (const wrong of [null, 'db', {}, 7]) expect(Secret.safeParse({ ...direct, target: wrong }).success).toBe(false)
    const projection = { host: 'db', port: 5432, database: 'shop' }
    const sealed = { kind: 'client-sealed', box: 'b', keyId: 'k', projection, caCertificate: null }
    expect(Secret.safeParse(sealed).data).toEqual(sealed)
    expect(Secret.safeParse({ ...sealed, projection: { ...projection, port: 1.5 } }).success).toBe(false)
    const requestedBy = { kind: 'key', id: '0190aaaa-0000-7000-8000-000000000001', requestId: null, address: '1.2.3.4' }
    for (const each of [
      { kind: 'endpoint', url: 'https://a', signingKey: 'k', requestedBy },
      { kind: 'signing-key', signingKey: 'k', requestedBy: { ...requestedBy, kind: 'capability' } },
      { kind: 'ca-certificate', caCertificate: 'pem' },
    ])
      expect(Secret.safeParse(each).data).toEqual(each)
    const operator = { ...requestedBy, kind: 'operator' }
    expect(Secret.safeParse({ kind: 'endpoint', url: 'u', signingKey: 'k', requestedBy: operator }).success).toBe(false)
  })
})

describe('A new id', () => {
  it('is a UUIDv7 of this moment, and later ones are greater, though the clock stands or goes back a little', () => {
    let now = 1_790_000_000_000
    stampIdsBy(() => new Date(now))
    const ids = Array.from({ length: 300 }, newId)
    now -= 5
    ids.push(newId())
    now += 500
    ids.push(newId())
    expect(ids).toEqual(ids.toSorted())
    expect(new Set(ids).size).toBe(302)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const ms = (id: string | undefined) => Number.parseInt((id ?? '').replaceAll('-', '').slice(0, 12), 16)
    expect(ms(ids[0])).toBe(1_790_000_000_000)
    expect(ms(ids.at(-1))).toBe(now)
    stampIdsBy(() => new Date())
  })
})

describe('A retired key of an organization', () => {
  const retiredAt = new Date('2026-05-01T08:00:00.000Z')
  const later = (ms: number) => new Date(retiredAt.getTime() + ms)
  it('is taken from callers for ten minutes, and destroyed a quarter of an hour later at the earliest', () => {
    expect(CALLER_GRACE_MS).toBe(600_000)
    expect(isAcceptedFromCallers({ retiredAt: null }, later(9e9))).toBe(true)
    expect([0, 600_000, 600_001].map(ms => isAcceptedFromCallers({ retiredAt }, later(ms)))).toEqual([
      true,
      true,
      false,
    ])
    expect(destroyableAt(retiredAt)).toEqual(later(1_500_000))
  })
})

describe('The sign-in of a local console', () => {
  const ask = (host: string | undefined, origin?: string) => isOfThisMachine({ host, origin })
  it('is for pages of this machine alone', () => {
    for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '[::1]:65535', '[::1]'])
      expect(ask(host)).toBe(true)
    for (const host of [
      undefined,
      '',
      'acme.io',
      'localhost.acme.io',
      'localhost:123456',
      '127.0.0.2',
      'localhost:80x',
    ])
      expect(ask(host), host).toBe(false)
    expect(ask('localhost', 'http://localhost:8080')).toBe(true)
    expect(ask('localhost', 'http://[::1]:8080')).toBe(true)
    for (const origin of ['null', 'http://acme.io', 'http://localhost.acme.io', ''])
      expect(ask('localhost', origin), origin).toBe(false)
  })
})
