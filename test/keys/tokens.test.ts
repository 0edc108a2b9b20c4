/** Tokens and the rows that are made with them: a hash under each pepper, and a MAC over everything that the row grants. */
import { beforeAll, describe, expect, it } from 'vitest'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createKeyrings, parseWebKeyring, type WebKeyring } from '#server/seal/keyring.ts'
import { announce, parseKeyrings, printKeyrings, use } from '#server/seal/keyring-rotation.ts'
import { grantOf, mintCapability, mintKey } from '#server/seal/mint.ts'
import { createTokens, type Tokens } from '#server/seal/token.ts'
import { recognise } from '#shared/access/token.ts'

const NOW = new Date('2026-05-01T08:00:00.000Z')
const LATER = new Date('2026-06-01T08:00:00.000Z')

let first: WebKeyring
let announced: WebKeyring
let second: WebKeyring
let tokens: Tokens
beforeAll(async () => {
  const rings = parseKeyrings(await createKeyrings(newKeyId))
  const more = await announce(rings, 'pepper', newKeyId)
  first = parseWebKeyring(printKeyrings(rings).web)
  announced = parseWebKeyring(printKeyrings(more).web)
  second = parseWebKeyring(printKeyrings(use(more, 'pepper', NOW)).web)
  tokens = await createTokens(announced)
})

describe('A new token', () => {
  it.each([
    ['sk', 'live', 'key'],
    ['sk', 'test', 'key'],
    ['rk', 'live', 'capability'],
    ['rk', 'test', 'capability'],
  ] as const)('of kind %s and mode %s is recognised as what it is', (prefix, mode, kind) => {
    const token = tokens.mint(prefix, mode)
    expect(token).toMatch(new RegExp(`^${prefix}_${mode}_[0-9A-Za-z]{36}$`))
    expect(recognise(token)).toEqual({ kind, mode })
    expect(tokens.mint(prefix, mode)).not.toBe(token)
  })
})

describe('A hash of a token', () => {
  it('is made under each pepper, the one in use first though another one is announced', () => {
    const [old = '', young = ''] = [first.pepper[0]?.id, announced.pepper[0]?.id]
    expect(tokens.pepperIds()).toEqual([old, young])
    const hashes = tokens.hashes('sk_test_one')
    expect(hashes.map(({ pepperId }) => pepperId)).toEqual([old, young])
    expect(hashes.map(({ hash }) => hash.length)).toEqual([32, 32])
    expect(new Set(hashes.map(({ hash }) => hash.toString('hex'))).size).toBe(2)
    expect(tokens.hashes('sk_test_one')).toEqual(hashes)
    expect(tokens.hashes('sk_test_two')).not.toEqual(hashes)
  })

  it('is made under the peppers of a keyring that was read again', async () => {
    const reloaded = await createTokens(first)
    expect(reloaded.pepperIds()).toHaveLength(1)
    reloaded.reload(second)
    expect(reloaded.pepperIds()).toEqual([second.pepper[0]?.id, second.pepper[1]?.id])
  })

  it('is another one than the digest of the same text as a body', () => {
    const digests = tokens.digests('sk_test_one')
    expect(digests).toHaveLength(2)
    expect(digests.map(digest => digest.length)).toEqual([32, 32])
    expect(digests).not.toEqual(tokens.hashes('sk_test_one').map(({ hash }) => hash))
    expect(tokens.digests('sk_test_one')).toEqual(digests)
    expect(tokens.digests('sk_test_two')).not.toEqual(digests)
    expect(digests[0]).toEqual(tokens.hashes('body\nsk_test_one')[0]?.hash)
  })
})

const GRANT = {
  organizationId: 'one',
  id: 'key',
  issuerId: null,
  mode: 'test',
  scopes: ['datasources.read'],
  datasourceIds: null,
  expiresAt: null,
} as const

describe('The MAC of a grant', () => {
  it('is refused at another length, beside another hash and under a pepper that nobody knows', () => {
    const [hash, other] = tokens.hashes('sk_test_one')
    if (hash === undefined || other === undefined) throw new Error('two peppers')
    const mac = tokens.mac(hash, GRANT)
    expect(tokens.checks(hash, GRANT, mac)).toBe(true)
    expect(tokens.checks(other, GRANT, tokens.mac(other, GRANT))).toBe(true)
    expect(tokens.checks(other, GRANT, mac)).toBe(false)
    expect(tokens.checks({ ...hash, hash: other.hash }, GRANT, mac)).toBe(false)
    expect(tokens.checks({ ...hash, pepperId: 'none' }, GRANT, mac)).toBe(false)
    expect(tokens.checks(hash, GRANT, mac.subarray(1))).toBe(false)
    expect(tokens.checks(hash, GRANT, Buffer.alloc(0))).toBe(false)
    expect(() => tokens.mac({ ...hash, pepperId: 'none' }, GRANT)).toThrow('the keyring has no such pepper')
  })

  it('covers the end of a grant, and differs from one without an end', () => {
    const [hash] = tokens.hashes('sk_test_one')
    if (hash === undefined) throw new Error('a pepper')
    const mac = tokens.mac(hash, { ...GRANT, expiresAt: LATER })
    expect(tokens.checks(hash, { ...GRANT, expiresAt: LATER }, mac)).toBe(true)
    expect(tokens.checks(hash, { ...GRANT, expiresAt: NOW }, mac)).toBe(false)
    expect(tokens.checks(hash, GRANT, mac)).toBe(false)
  })
})

describe('A new key', () => {
  const asked = {
    organizationId: 'one',
    issuerId: 'issuer',
    mode: 'live',
    name: 'nightly import',
    scopes: ['datasources.read', 'feeds.write'],
    now: NOW,
  } as const

  it('has a row with its hash, and a MAC over the grant without the key that made it', () => {
    const { token, row } = mintKey(tokens, asked)
    const [hash] = tokens.hashes(token)
    expect(recognise(token)).toEqual({ kind: 'key', mode: 'live' })
    expect(row).toMatchObject({
      issuer_id: 'issuer',
      mode: 'live',
      name: 'nightly import',
      last4: token.slice(-4),
      pepper_id: hash?.pepperId,
      hash: hash?.hash,
      scopes: ['datasources.read', 'feeds.write'],
      created_at: NOW,
      last_used_at: null,
      expires_at: null,
      revoked_at: null,
    })
    expect(row.id).toMatch(/^[0-9a-f]{8}-/)
    const grant = { ...GRANT, id: row.id, mode: 'live', scopes: row.scopes } as const
    expect(tokens.checks({ pepperId: row.pepper_id, hash: row.hash }, grant, row.mac)).toBe(true)
    expect(tokens.checks({ pepperId: row.pepper_id, hash: row.hash }, { ...grant, issuerId: 'issuer' }, row.mac)).toBe(
      false,
    )
  })

  it('that ends by itself has its end in the row and under the MAC', () => {
    const { row } = mintKey(tokens, { ...asked, expiresAt: LATER })
    expect(row.expires_at).toEqual(LATER)
    const grant = { ...GRANT, id: row.id, mode: 'live', scopes: row.scopes, expiresAt: LATER } as const
    expect(tokens.checks({ pepperId: row.pepper_id, hash: row.hash }, grant, row.mac)).toBe(true)
  })
})

describe('A new capability', () => {
  it.each([
    ['of some datasources', ['ds_1', 'ds_2']],
    ['of all', null],
  ])('%s has a row whose MAC covers the grant that is read from it', (_, ids) => {
    // Ids of a form that the registry gives are not needed here.
    const datasourceIds = ids as never
    const asked = { organizationId: 'one', issuerId: 'issuer', mode: 'test', datasourceIds, expiresAt: LATER } as const
    const { token, row } = mintCapability(tokens, { ...asked, operations: ['feeds.write'] })
    expect(recognise(token)).toEqual({ kind: 'capability', mode: 'test' })
    expect(row).toMatchObject({
      issuer_id: 'issuer',
      mode: 'test',
      last4: token.slice(-4),
      operations: ['feeds.write'],
      datasource_ids: ids,
      expires_at: LATER,
    })
    const [hash] = tokens.hashes(token)
    expect({ pepperId: row.pepper_id, hash: row.hash }).toEqual(hash)
    const grant = grantOf({ org_id: 'one', ...row })
    expect(grant).toEqual({ ...asked, id: row.id, scopes: ['feeds.write'] })
    expect(tokens.checks({ pepperId: row.pepper_id, hash: row.hash }, grant, row.mac)).toBe(true)
    for (const edit of [{ org_id: 'two' }, { id: 'x' }, { issuer_id: null }, { mode: 'live' as const }])
      expect(
        tokens.checks(
          { pepperId: row.pepper_id, hash: row.hash },
          grantOf({ org_id: 'one', ...row, ...edit }),
          row.mac,
        ),
        JSON.stringify(edit),
      ).toBe(false)
  })
})
