/** The signature of the endpoint protocol, against the vectors that existing handlers were built with. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { verifyRequest } from '#client/endpoint.ts'
import { checkSignature, sign } from '#server/net/endpoint/signature.ts'
import { fc } from '#test/support/house/properties.ts'

interface Vector {
  readonly key: string
  readonly headers: { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string }
  readonly body: string
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('../vectors/endpoint-signatures.json', import.meta.url), 'utf8'),
)

const NOW = 1_767_225_600
const message = { id: 'msg_1', timestamp: String(NOW), body: '{"type":"events"}' }

/** The results of both checks, ours and the customer's: the server's finding and the customer's code. */
async function check(signature: string | null, given: { timestamp?: string | null; id?: string; key?: string } = {}) {
  const { timestamp = String(NOW), id = message.id, key = 'the key' } = given
  const body = Buffer.from(message.body)
  const finding = checkSignature({ id, timestamp, signature }, body, { keys: [key], nowSeconds: NOW })
  const named: Record<string, string | null> = {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature,
  }
  const rejection = await verifyRequest(name => named[name] ?? null, body, { signingKey: key, nowSeconds: NOW })
  return [finding, rejection?.error ?? null]
}

describe('A signature', () => {
  it.each(vectors)('is the one that existing handlers expect: $headers.webhook-id', ({ key, headers, body }) => {
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers
    expect(sign({ id, timestamp, body }, [key])).toBe(signature)
    expect(sign({ id, timestamp, body: Buffer.from(body) }, [key])).toBe(signature)
  })

  it.each(vectors)('of the vectors passes our own checks: $headers.webhook-id', async vector => {
    const { key, body, headers } = vector
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers
    const bytes = Buffer.from(body)
    const nowSeconds = Number(timestamp)
    expect(checkSignature({ id, timestamp, signature }, bytes, { keys: [key], nowSeconds })).toBe('valid')
    const header = (name: string) => headers[name as keyof typeof headers]
    expect(await verifyRequest(header, bytes, { signingKey: key, nowSeconds })).toBeNull()
  })

  it('uses the key as written, including a whsec_ prefix', () => {
    const stripped = sign(message, ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])
    expect(sign(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).not.toBe(stripped)
  })

  it('of a rotation carries both keys, the new one first', () => {
    const both = sign(message, ['new', 'old'])
    expect(both).toBe(`${sign(message, ['new'])} ${sign(message, ['old'])}`)
  })

  it('is never made without a key or with an empty one, with which anybody could make it', () => {
    expect(() => sign(message, [])).toThrow()
    expect(() => sign(message, [''])).toThrow()
  })
})

describe('A check of a signature', () => {
  it('accepts any matching v1 entry and ignores other schemes', async () => {
    const right = sign(message, ['the key'])
    const wrong = sign(message, ['another'])
    const accepted = ['valid', null]
    expect(await check(right)).toEqual(accepted)
    expect(await check(`${wrong} ${right}`)).toEqual(accepted)
    expect(await check(`v1a,${right.slice(3)} v2,xyz  ${right}`)).toEqual(accepted)
    expect(await check(`${'v1a,AAAA '.repeat(40)}${right}`)).toEqual(accepted)
  })

  it('refuses a correct signature under another scheme or in another encoding', async () => {
    const right = sign(message, ['the key'])
    const refused = ['mismatch', 'source_signature_invalid']
    for (const other of [
      right.slice(3),
      `v2,${right.slice(3)}`,
      `V1,${right.slice(3)}`,
      right.replace('=', ''),
      'v1,',
    ]) {
      expect(await check(other)).toEqual(refused)
    }
    expect(await check(right, { key: 'the key ' })).toEqual(refused)
    expect(await check(right, { id: 'msg_2' })).toEqual(refused)
  })

  it('refuses a message without a signature', async () => {
    const missing = ['missing', 'source_signature_missing']
    expect(await check(null)).toEqual(missing)
    expect(await check('')).toEqual(missing)
    expect(await check(sign(message, ['the key']), { id: '' })).toEqual(missing)
    expect(await check(sign(message, ['the key']), { timestamp: null })).toEqual(missing)
  })

  it.each([-300, 300])('allows clocks that are %i s apart', async seconds => {
    const timestamp = String(NOW + seconds)
    expect(await check(sign({ ...message, timestamp }, ['the key']), { timestamp })).toEqual(['valid', null])
  })

  it.each([-301, 301, -600, 600])('refuses a signature of another time: %i s', async seconds => {
    const timestamp = String(NOW + seconds)
    const signature = sign({ ...message, timestamp }, ['the key'])
    expect(await check(signature, { timestamp })).toEqual(['timestamp_stale', 'source_timestamp_expired'])
  })

  it.each(['1e9', '-1', '+1767225600', ' 1767225600', '1767225600.0', '0x69', '９', 'NaN'])(
    'refuses the timestamp %j although it is signed',
    async timestamp => {
      const signature = sign({ ...message, timestamp }, ['the key'])
      expect(await check(signature, { timestamp })).toEqual(['timestamp_malformed', 'source_timestamp_invalid'])
    },
  )

  it('refuses every other byte of the body, of the id and of the signature', () => {
    const body = fc.uint8Array({ minLength: 1, maxLength: 64 })
    fc.assert(
      fc.property(body, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, flip) => {
        const signature = sign({ ...message, body: bytes }, ['the key'])
        const headers = { id: message.id, timestamp: message.timestamp, signature }
        const against = { keys: ['the key'], nowSeconds: NOW }
        const changed = bytes.map((byte, index) => (index === at % bytes.length ? byte ^ flip : byte))
        return (
          checkSignature(headers, bytes, against) === 'valid' &&
          checkSignature(headers, changed, against) === 'mismatch'
        )
      }),
    )
  })

  it('accepts either key while two are valid', () => {
    const against = { keys: ['new', 'old'], nowSeconds: NOW }
    const finding = (key: string) =>
      checkSignature({ ...message, signature: sign(message, [key]) }, Buffer.from(message.body), against)
    expect([finding('new'), finding('old'), finding('other')]).toEqual(['valid', 'valid', 'mismatch'])
  })
})
