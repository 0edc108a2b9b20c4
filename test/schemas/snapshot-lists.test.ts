/**
 * The canonical text of lists and objects, whole and in pieces, and names that occur twice: the paths for small and
 * sorted lists say the same as those for large ones.
 */
import { describe, expect, it } from 'vitest'
import { isSnapshotBound } from '#shared/schemas/snapshot-bounds.ts'
import {
  canonicalText,
  jsonText,
  listText,
  nodeText,
  ordered,
  writeCanonical,
} from '#shared/schemas/snapshot-canonical.ts'
import { byCodeUnit, hasTwins, isNamedTwice, type Node, nameOf, nodesIn } from '#shared/schemas/snapshot-parts.ts'
import { snapshot } from '#test/support/schemas/snapshots.ts'

const named = (...names: string[]): Node[] => names.map(name => ({ name }))
const many = (count: number) => named(...Array.from({ length: count }, (_, at) => `n${String(at).padStart(4, '0')}`))
const text = (node: Node, kind: Parameters<typeof nodeText>[1]) => nodeText(node, kind, new Map())
const listOf = (count: number) => `[${many(count).map(jsonText).join(',')}]`

describe('The canonical text of an object', () => {
  it('has its keys in order, and lists in order unless their order has a meaning', () => {
    const relation = { name: 't', kind: 'table', columns: named('b', 'a'), indexes: named('d', 'c'), comment: 'é"' }
    const indexes = '"indexes":[{"name":"c"},{"name":"d"}]'
    const wanted = `{"columns":[{"name":"b"},{"name":"a"}],"comment":"é\\"",${indexes},"kind":"table","name":"t"}`
    expect(text(relation, 'relation')).toBe(wanted)
    expect(text({ ...relation, indexes: named('c', 'd') }, 'relation')).toBe(wanted)
  })

  it('leaves out what is absent or empty, but for the lists that are always written', () => {
    expect(text({ name: 't', comment: undefined, columns: [], indexes: [] }, 'relation')).toBe(
      '{"columns":[],"name":"t"}',
    )
    expect(text({ name: 't', indexes: [] }, 'relation')).toBe('{"name":"t"}')
    expect(text({ name: 'd', checks: [] }, 'domain')).toBe('{"name":"d"}')
    expect(text({ checks: [] }, 'domain')).toBe('{}')
    expect(text({ relations: [], name: 's' }, 'schema')).toBe('{"name":"s","relations":[]}')
    expect(text({ 'a b': 1, relations: [] }, 'schema')).toBe('{"a b":1,"relations":[]}')
  })

  it('is the same for few parts and for many, sorted or not', () => {
    for (const count of [1, 2, 16, 17, 40]) {
      const wanted = `{"columns":[],"indexes":${listOf(count)},"name":"t"}`
      expect(text({ name: 't', columns: [], indexes: many(count) }, 'relation')).toBe(wanted)
      expect(text({ name: 't', columns: [], indexes: many(count).reverse() }, 'relation')).toBe(wanted)
      const columns = many(count).reverse()
      expect(text({ columns }, 'relation')).toBe(`{"columns":[${columns.map(jsonText).join(',')}]}`)
    }
  })

  it('sorts the schemas, and what is in them', () => {
    const relations = [
      { name: 'b', columns: [] },
      { name: 'a', columns: [], indexes: named('y', 'x') },
    ]
    expect(text({ name: 's', relations, enums: named('b', 'a') }, 'schema')).toBe(
      '{"enums":[{"name":"a"},{"name":"b"}],"name":"s","relations":[{"columns":[],"indexes":[{"name":"x"},{"name":"y"}],' +
        '"name":"a"},{"columns":[],"name":"b"}]}',
    )
  })

  it('takes over the texts of lists and objects that were written before', () => {
    const indexes = named('a')
    const table = { name: 't', columns: [], indexes }
    const schema = { name: 's', relations: [table] }
    expect(nodeText(table, 'relation', new Map([[indexes, '(indexes)']]))).toBe(
      '{"columns":[],"indexes":(indexes),"name":"t"}',
    )
    expect(nodeText(schema, 'schema', new Map([[table, '(table)']]))).toBe('{"name":"s","relations":[(table)]}')
    expect(nodeText(schema, 'schema', new Map([[schema.relations, '(all)']]))).toBe('{"name":"s","relations":(all)}')
    expect(nodeText({ ...table, columns: indexes }, 'relation', new Map([[indexes, '(columns)']]))).toBe(
      '{"columns":(columns),"indexes":(columns),"name":"t"}',
    )
  })

  it('of a list is sorted unless its order has a meaning', () => {
    expect(listText(named('b', 'a'), false)).toBe('[{"name":"a"},{"name":"b"}]')
    expect(listText(named('b', 'a'), true)).toBe('[{"name":"b"},{"name":"a"}]')
    expect(listText([], false)).toBe('[]')
  })
})

describe('The canonical text of a snapshot', () => {
  it('is handed on in pieces of at least 16,384 characters, which together are the whole', () => {
    const relations = many(900).map(one => ({ ...one, kind: 'table', columns: [{ name: 'c', type: 'text' }] }))
    const whole = snapshot({ schemas: [{ name: 's', relations }] })
    const pieces: string[] = []
    writeCanonical(whole, piece => pieces.push(piece))
    expect(pieces.join('')).toBe(canonicalText(whole))
    expect(pieces.length).toBeGreaterThan(2)
    for (const piece of pieces.slice(0, -1)) {
      expect(piece.length).toBeGreaterThan(16_384)
      expect(piece.length).toBeLessThan(16_600)
    }
    const small: string[] = []
    writeCanonical(snapshot(), piece => small.push(piece))
    expect(small).toHaveLength(1)
  })

  it('sorts its request and its findings', () => {
    const finding = (schema: string) => ({ schema, finding: 'unknown' })
    const whole = snapshot({ schemasAsked: ['b', 'a'], findings: [finding('d'), finding('c')] })
    expect(canonicalText(whole)).toBe(
      '{"excludedSchemas":[],"extensions":[],"findings":[{"finding":"unknown","schema":"c"},{"finding":"unknown",' +
        '"schema":"d"}],"schemas":[],"schemasAsked":["a","b"],"version":1}',
    )
    expect(canonicalText(snapshot({ excludedSchemas: ['b', 'a'] }))).toContain('"excludedSchemas":["a","b"]')
  })
})

describe('A value in canonical order', () => {
  it('is JSON with sorted keys at every depth', () => {
    expect(jsonText({ b: [{ d: 1, c: 2 }, 'x'], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1},"x"]}')
    expect(jsonText({ a: { c: 1, b: 2 }, d: 3 })).toBe('{"a":{"b":2,"c":1},"d":3}')
    expect(jsonText([[{ b: 1, a: 2 }], { a: 1 }])).toBe('[[{"a":2,"b":1}],{"a":1}]')
    expect([jsonText(undefined), jsonText(null), jsonText('a'), jsonText(1)]).toEqual(['null', 'null', '"a"', '1'])
  })

  it('is left as it was, and copied where it is changed', () => {
    const value = { a: { c: 1, b: 2 }, d: [{ f: 1, e: 2 }] }
    const before = JSON.stringify(value)
    jsonText(value)
    expect(JSON.stringify(value)).toBe(before)
  })

  it('has its lists in order, without those that are empty', () => {
    const schema = {
      name: 's',
      relations: [
        { name: 'b', columns: named('z', 'y') },
        { name: 'a', columns: [], indexes: [] },
      ],
    }
    expect(ordered({ ...schema, enums: [], domains: named('b', 'a') }, 'schema')).toEqual({
      name: 's',
      relations: [
        { name: 'a', columns: [] },
        { name: 'b', columns: named('z', 'y') },
      ],
      domains: named('a', 'b'),
    })
  })
})

describe('A name that occurs twice', () => {
  it.each([0, 1, 2, 15, 16, 17, 18, 40])('is found in a list of %i, wherever it is', count => {
    const list = many(count)
    expect(isNamedTwice(list)).toBe(false)
    expect(isNamedTwice(list.toReversed())).toBe(false)
    for (const at of [0, Math.floor(count / 2), count - 1].filter(it => it >= 0 && it < count)) {
      expect(isNamedTwice(list.toSpliced(at, 0, ...named(nameOf(list[at] ?? {}))))).toBe(true)
      expect(isNamedTwice([...list, ...named(nameOf(list[at] ?? {}))])).toBe(true)
    }
  })

  it('is found at every depth, but not across lists, nor in what was checked before', () => {
    const columns = named('a', 'a')
    const table = { name: 't', columns }
    const schema = { name: 's', relations: [{ name: 'u', columns: [] }, table] }
    expect(hasTwins(table, 'relation')).toBe(true)
    expect(hasTwins({ schemas: [{ name: 'r', relations: [] }, schema] }, 'snapshot')).toBe(true)
    expect(hasTwins({ name: 't', columns: named('a'), indexes: named('a') }, 'relation')).toBe(false)
    expect(hasTwins({ name: 't' }, 'relation')).toBe(false)
    for (const known of [columns, table, schema])
      expect(hasTwins(schema, 'schema', new Set<object>([known]))).toBe(false)
    expect(hasTwins(schema, 'schema', new Set<object>())).toBe(true)
  })
})

it('Names are compared by code units', () => {
  expect([byCodeUnit('a', 'b'), byCodeUnit('b', 'a'), byCodeUnit('a', 'a')]).toEqual([-1, 1, 0])
  expect([byCodeUnit('B', 'a'), byCodeUnit('\ufb33', '\ud83d\ude00'), byCodeUnit('', 'a')]).toEqual([-1, 1, -1])
  expect(nodesIn({ a: 'x' }, 'a')).toEqual([])
})

it('A bound of a snapshot has a name of its own', () => {
  expect(['maxBytes', 'maxLabels', 'constructor', 'toString', ''].map(isSnapshotBound)).toEqual([
    ...[true, true, false, false, false],
  ])
})
