/** The canonical form of a snapshot and its fingerprint: what changes it, and what must not. */
import { describe, expect, it } from 'vitest'
import { finishSnapshot } from '#server/net/catalog/finish-catalog.ts'
import { unpackText } from '#server/net/catalog/packed-text.ts'
import { Snapshot } from '#shared/schemas/snapshot.ts'
import { canonicalText, jsonText } from '#shared/schemas/snapshot-canonical.ts'
import { hasTwins } from '#shared/schemas/snapshot-parts.ts'
import { fc } from '#test/support/house/properties.ts'
import { fingerprintOf, sha256 } from '#test/support/schemas/catalog.ts'
import { anySnapshot, oneTable, snapshot } from '#test/support/schemas/snapshots.ts'

const MIB = 1 << 20

/** Lists whose order is significant. */
const ORDERED = ['columns', 'attributes', 'inherits', 'options']

/** The same value with the keys of every object and the items of every list of named objects in reverse. */
function reversed(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map(item => reversed(item))
    return !ORDERED.includes(key) && items.every(item => typeof item === 'object') ? items.reverse() : items
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member, name)]),
  )
}

describe('the canonical form of a snapshot', () => {
  it('is the same for any order of the JSON', () => {
    fc.assert(
      fc.property(anySnapshot(), value => {
        expect(canonicalText(Snapshot.parse(reversed(value)))).toBe(canonicalText(value))
      }),
    )
  })

  it('is the same after serialization as JSON', () => {
    fc.assert(
      fc.property(anySnapshot(), value => {
        expect(fingerprintOf(Snapshot.parse(JSON.parse(JSON.stringify(value))))).toBe(fingerprintOf(value))
      }),
    )
  })

  it('holds everything but the request and estimates: with those it rebuilds the snapshot', () => {
    fc.assert(
      fc.property(anySnapshot(), value => {
        const again = Snapshot.parse({ ...JSON.parse(canonicalText(value)), observed: value.observed })
        expect(canonicalText(again)).toBe(canonicalText(value))
        expect(Object.keys(again).sort()).toEqual(Object.keys(value).sort())
      }),
    )
  })

  it('never has one fingerprint for two different texts', () => {
    fc.assert(
      fc.property(anySnapshot(), anySnapshot(), (a, b) => {
        expect(fingerprintOf(a) === fingerprintOf(b)).toBe(canonicalText(a) === canonicalText(b))
      }),
    )
  })

  it('is readable text', () => {
    expect(canonicalText(oneTable({ may: ['select'], indexes: [] }))).toBe(
      '{"excludedSchemas":[],"extensions":[],"findings":[],"schemas":[{"name":"public","relations":[{"columns":' +
        '[{"name":"id","notNull":true,"type":"integer"}],"kind":"table","may":["select"],"name":"orders"}]}],' +
        '"schemasAsked":null,"version":1}',
    )
  })

  it('orders by UTF-16 code units and escapes as RFC 8785 does', () => {
    // The example of RFC 8785 §3.2.3, whose order differs from that of code points and of every locale.
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6']
    const sorted = '{"\\r":0,"1":0,"\u0080":0,"\u00f6":0,"\u20ac":0,"\ud83d\ude00":0,"\ufb33":0}'
    // Keys that look like numbers come first in every JavaScript object; a snapshot has none.
    const expected = sorted.replace('"\\r":0,"1":0', '"1":0,"\\r":0')
    expect(jsonText(Object.fromEntries(keys.map(key => [key, 0])))).toBe(expected)
    expect(jsonText('\u20ac$\u000f\nA\'B"\\"/')).toBe('"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/"')
    expect(jsonText({ absent: undefined, list: [true, null] })).toBe('{"list":[true,null]}')
  })
})

describe('the fingerprint of a snapshot', () => {
  it('is the SHA-256 of the canonical text, which is stored', () => {
    fc.assert(
      fc.property(anySnapshot(), value => {
        const { fingerprint, content } = finishSnapshot(value, null)
        expect(unpackText(content, MIB)).toBe(canonicalText(value))
        expect(fingerprint).toBe(sha256(canonicalText(value)))
      }),
    )
  })

  it('ignores estimates, hidden objects and the server version', () => {
    const observed = {
      serverVersionNum: 130_000,
      hidden: { schemas: 9, relations: 9, columns: 9, sequences: 9 },
      estimates: [{ schema: 'public', relations: [{ name: 'orders', rows: 5, bytes: 8192 }] }],
    }
    expect(fingerprintOf({ ...oneTable(), observed })).toBe(fingerprintOf(oneTable()))
  })

  it('changes with everything else, and with the requested schemas', () => {
    const others = [
      oneTable({ comment: 'x' }),
      oneTable({ may: ['select'] }),
      oneTable({ rowSecurity: true }),
      oneTable({ name: 'order' }),
      { ...oneTable(), schemasAsked: ['public'] },
      { ...oneTable(), excludedSchemas: ['auth'] },
      { ...oneTable(), extensions: [{ name: 'citext', version: '1.6', schema: 'public' }] },
    ]
    expect(new Set([oneTable(), ...others].map(fingerprintOf)).size).toBe(others.length + 1)
  })

  it('depends on the order of columns and labels, which is significant', () => {
    const id = { name: 'id', type: 'integer' }
    const at = { name: 'at', type: 'date' }
    expect(fingerprintOf(oneTable({ columns: [id, at] }))).not.toBe(fingerprintOf(oneTable({ columns: [at, id] })))
  })
})

describe('a snapshot', () => {
  it('with a duplicate name is detected, wherever it is', () => {
    const id = { name: 'id', type: 'integer' }
    expect(hasTwins(oneTable(), 'snapshot')).toBe(false)
    expect(hasTwins(oneTable({ columns: [id, id] }), 'snapshot')).toBe(true)
    expect(
      hasTwins(
        snapshot({
          schemas: [
            { name: 'a', relations: [] },
            { name: 'a', relations: [] },
          ],
        }),
        'snapshot',
      ),
    ).toBe(true)
  })
})
