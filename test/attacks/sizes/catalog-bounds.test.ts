/**
 * A hostile catalog chooses the size of every string and list that it sends. Each has a bound that introspection names,
 * and reading, formatting and comparing a catalog within the bounds takes time linear in its size.
 */
import { describe, expect, it } from 'vitest'
import { createCatalogReader } from '#server/net/catalog/catalog-reader.ts'
import { finishSnapshot } from '#server/net/catalog/finish-catalog.ts'
import { packText } from '#server/net/catalog/packed-text.ts'
import { Fault } from '#shared/faults/fault.ts'
import { drift, eachChange } from '#shared/schemas/drift/drift.ts'
import { keyColumnsOf } from '#shared/schemas/drift/drift-key.ts'
import { typeChange } from '#shared/schemas/drift/drift-type.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import { canonicalText } from '#shared/schemas/snapshot-canonical.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'
import { fc } from '#test/support/house/properties.ts'
import { AMPLE, EVERYTHING } from '#test/support/schemas/catalog.ts'
import { headRow, type RowChange, relationRows, schemaRow } from '#test/support/schemas/catalog-rows.ts'
import { snapshot } from '#test/support/schemas/snapshots.ts'

/** Reads rows, after the rows that every catalog has. */
function read(rows: readonly string[], head: object = {}): Snapshot {
  const reader = createCatalogReader(EVERYTHING, AMPLE)
  for (const row of [headRow(head), schemaRow('public'), ...rows]) reader.row(row)
  return reader.finish()
}

/** The outcome of a reading: the bound that it exceeds, the fault's code without one, or success. */
function endOf(read: () => unknown): object | string {
  try {
    read()
    return 'read'
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    expect(thrown.code).toBe(thrown.issues.length > 0 ? 'introspection_failed' : 'server_misbehaved')
    return thrown.issues[0]?.ctx ?? thrown.code
  }
}

const of = (change: RowChange, head?: object) => endOf(() => read(relationRows(change), head))
const numbered = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
const columns = (count: number) => ({
  numbers: numbered(count),
  names: numbered(count).map(at => `c${at}`),
  types: numbered(count).map(() => 'text'),
  flags: numbered(count).map(() => ''),
})
const cutMark = ` ... [9000 bytes, sha-256 ${'0'.repeat(64)}]`

describe('A string of a hostile catalog', () => {
  const { maxNameBytes, maxTypeBytes, maxDefinitionBytes } = SNAPSHOT_BOUNDS

  it.each<[string, (text: string) => RowChange, number, string]>([
    ['a relation', name => ({ relation: { name } }), maxNameBytes, 'maxNameBytes'],
    ['a foreign server', server => ({ relation: { server } }), maxNameBytes, 'maxNameBytes'],
    ['a column', name => ({ columns: { names: [name] } }), maxNameBytes, 'maxNameBytes'],
    ['a constraint', name => ({ constraint: { name } }), maxNameBytes, 'maxNameBytes'],
    ['an index', name => ({ index: { name } }), maxNameBytes, 'maxNameBytes'],
    ['a policy', name => ({ policy: { name } }), maxNameBytes, 'maxNameBytes'],
    ["a policy's role", name => ({ policy: { roles: [name] } }), maxNameBytes, 'maxNameBytes'],
    ['a label', name => ({ enum: { labels: [name] } }), maxNameBytes, 'maxNameBytes'],
    ['a sequence', name => ({ sequence: { name } }), maxNameBytes, 'maxNameBytes'],
    ["a column's type", type => ({ columns: { types: [type] } }), maxTypeBytes, 'maxTypeBytes'],
    ["a column's collation", text => ({ columns: { collations: { 1: text } } }), maxTypeBytes, 'maxTypeBytes'],
    ["a domain's type", type => ({ domain: { type } }), maxTypeBytes, 'maxTypeBytes'],
    ["an enum's spelling", name => ({ enum: { name } }), maxTypeBytes, 'maxTypeBytes'],
    ["a view's query", query => ({ relation: { query } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ['a partition key', text => ({ relation: { partitionKey: text } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ["a view's options", options => ({ relation: { options } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ['a default', text => ({ defaults: { 1: text } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ['a comment', text => ({ comments: { 1: text } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ['a check', definition => ({ constraint: { definition } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ["an index's definition", definition => ({ index: { definition } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ['a trigger', name => ({ trigger: { name } }), maxNameBytes, 'maxNameBytes'],
    ["a trigger's function", text => ({ trigger: { function: text } }), maxTypeBytes, 'maxTypeBytes'],
    ['a partition', name => ({ partition: { name } }), maxTypeBytes, 'maxTypeBytes'],
    ["a partition's bound", bound => ({ partition: { bound } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ["a function's arguments", text => ({ routine: { arguments: text } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ['an option', text => ({ traits: { options: [text] } }), maxDefinitionBytes, 'maxDefinitionBytes'],
    ["a policy's expression", using => ({ policy: { using } }), maxDefinitionBytes, 'maxDefinitionBytes'],
  ])('of %s may have the bytes of its bound, and no more', (_what, ...[changed, max, bound]) => {
    expect(of(changed('x'.repeat(max)))).toBe('read')
    expect(of(changed('x'.repeat(max + 1)))).toEqual({ [bound]: max })
    expect(of(changed('é'.repeat(Math.floor(max / 2))))).toBe('read')
    expect(of(changed('é'.repeat(Math.floor(max / 2) + 1)))).toEqual({ [bound]: max })
    expect(of(changed('x'.repeat(4_000_000)))).toEqual({ [bound]: max })
  })

  it.each<[string, RowChange]>([
    ['an identifier', { relation: { id: '1'.repeat(11) } }],
    ['permissions', { relation: { may: 's'.repeat(9) } }],
    ["a column's flags", { columns: { flags: ['n'.repeat(9)] } }],
    ["a body's hash", { routine: { body: '0'.repeat(65) } }],
    ["a sequence's start", { sequence: { start: '1'.repeat(21) } }],
    ["an extension's version", { extension: { version: '1'.repeat(256) } }],
  ])('of %s that no server produces makes the catalog invalid', (_what, changed) => {
    expect(of(changed)).toBe('server_misbehaved')
  })

  it('is counted by characters when the database has another encoding', () => {
    const latin = { encoding: 'LATIN1' }
    expect(of({ relation: { name: 'é'.repeat(63) } }, latin)).toBe('read')
    expect(of({ relation: { name: 'é'.repeat(64) } }, latin)).toEqual({ maxNameBytes: 63 })
    expect(of({ comments: { 1: 'é'.repeat(8_000) } }, latin)).toBe('read')
    expect(of({ comments: { 1: 'é'.repeat(8_001) } }, latin)).toEqual({ maxDefinitionBytes: 8_000 })
  })

  it('that the query has truncated is accepted with its mark, and a mark alone makes no other text acceptable', () => {
    expect(of({ comments: { 1: `${'🐘'.repeat(2_000)}${cutMark}` } })).toBe('read')
    expect(of({ comments: { 1: `${'🐘'.repeat(2_001)}${cutMark}` } })).toEqual({ maxDefinitionBytes: 8_000 })
    expect(of({ comments: { 1: `${'x'.repeat(1_000_000)}${cutMark}` } })).toEqual({ maxDefinitionBytes: 8_000 })
  })
})

describe('A list of a hostile catalog', () => {
  it('has at most as many columns as PostgreSQL allows, maxColumns', () => {
    expect(of({ columns: columns(1_600) })).toBe('read')
    expect(of({ columns: columns(1_601) })).toEqual({ maxColumns: 1_600 })
    expect(of({ columns: columns(100_000) })).toEqual({ maxColumns: 1_600 })
    const texts = Object.fromEntries(numbered(2_000).map(at => [at, 'x']))
    expect(of({ defaults: texts })).toEqual({ maxColumns: 1_600 })
    expect(of({ comments: texts })).toEqual({ maxColumns: 1_600 })
  })

  it('names no column number twice, and no number without a column', () => {
    expect(of({ columns: { ...columns(2), numbers: [1, 1] } })).toBe('server_misbehaved')
    expect(of({ columns: { numbers: [0] } })).toBe('server_misbehaved')
    expect(of({ columns: { numbers: [-1] } })).toBe('server_misbehaved')
    const [relation = '', first = ''] = relationRows({})
    expect(endOf(() => read([relation, first, first]))).toBe('server_misbehaved')
    expect(endOf(() => read([relation, relation.replace('"t"', '"u"'), first]))).toBe('server_misbehaved')
  })

  it.each<[string, RowChange, object]>([
    ['constraints', { constraint: {}, times: 10_001 }, { maxParts: 10_000 }],
    ['indexes', { index: {}, times: 10_001 }, { maxParts: 10_000 }],
    ['policies', { policy: {}, times: 10_001 }, { maxParts: 10_000 }],
    ['roles', { policy: { roles: numbered(10_001).map(String) } }, { maxParts: 10_000 }],
    [
      'checks',
      { domain: { checks: numbered(10_001).map(at => ({ name: `${at}`, definition: '' })) } },
      { maxParts: 10_000 },
    ],
    ['triggers', { trigger: {}, times: 10_001 }, { maxParts: 10_000 }],
    ['options', { traits: { options: numbered(10_001).map(String) } }, { maxParts: 10_000 }],
    [
      'attributes',
      { composite: { attributes: numbered(1_601).map(at => ({ name: `${at}`, type: 'text', collation: null })) } },
      { maxColumns: 1_600 },
    ],
    ['labels', { enum: { labels: numbered(50_001).map(String) } }, { maxLabels: 50_000 }],
    ['columns of a key', { constraint: { numbers: numbered(1_600).concat(1) } }, { maxColumns: 1_600 }],
  ])('of %s has a bound', (_what, changed, bound) => {
    expect(of(changed)).toEqual(bound)
  })

  it('of functions and similar objects, across all schemas, ends at maxObjects', () => {
    const max = SNAPSHOT_BOUNDS.maxObjects
    const [, , row = ''] = relationRows({ routine: {} })
    const rows = (count: number) => numbered(count).map(at => row.replace('"f"', `"f${at}"`))
    expect(endOf(() => read(rows(max)))).toBe('read')
    expect(endOf(() => read(rows(max + 1)))).toEqual({ maxObjects: max })
  })

  it('of relations ends at maxRelations', () => {
    const max = SNAPSHOT_BOUNDS.maxRelations
    const rows = (count: number) =>
      numbered(count).flatMap(at =>
        relationRows({ relation: { id: `${at}`, name: `t${at}` }, columns: { id: `${at}` } }),
      )
    expect(endOf(() => read(rows(max)))).toBe('read')
    expect(endOf(() => read(rows(max + 1)))).toEqual({ maxRelations: max })
  })
})

describe('A snapshot of a hostile catalog', () => {
  const max = SNAPSHOT_BOUNDS.maxBytes

  it('ends at maxBytes of canonical text', () => {
    const comment = 'x'.repeat(8_000)
    const relations = numbered(4_300).map(at => ({ name: `t${at}`, kind: 'table' as const, columns: [], comment }))
    const large = snapshot({ schemas: [{ name: 'public', relations }] })
    expect(endOf(() => finishSnapshot(large, null))).toEqual({ maxBytes: max })
    const small = snapshot({ schemas: [{ name: 'public', relations: relations.slice(0, 4_000) }] })
    expect(endOf(() => finishSnapshot(small, null))).toBe('read')
  })

  it('ends at maxBytes, too, when every schema repeats one type', () => {
    const labels = numbered(50_000).map(at => `label ${at}`)
    const users = numbered(2_000).flatMap(at => [
      schemaRow(`s${at}`),
      ...relationRows({
        relation: { id: `${at}`, schema: `s${at}` },
        columns: { id: `${at}`, types: ['public.mood'] },
      }),
    ])
    const mood = JSON.stringify({ k: 'enum', schema: 'public', name: 'public.mood', labels, comment: null })
    expect(endOf(() => finishSnapshot(read([...users, mood]), null))).toEqual({ maxBytes: max })
    const chain = numbered(30_000).map(at =>
      JSON.stringify({
        ...{ k: 'domain', schema: 'public', name: at === 1 ? 'public.mood' : `d${at}`, type: `d${at + 1}` },
        ...{ notNull: false, default: null, collation: null, checks: null, comment: null },
      }),
    )
    expect(endOf(() => read([...users, ...chain]))).toEqual({ maxBytes: max })
  })

  it('is compared with a previous one of 42 MB, stored in 19 KB, without unpacking it', () => {
    const bomb = { fingerprint: '0'.repeat(64), content: packText('x'.repeat(42_000_000)), observed: packText('{}') }
    expect(bomb.content.length).toBeLessThan(20_000)
    expect(finishSnapshot(snapshot({}), bomb).drift).toBeNull()
  })
})

/** CPU milliseconds of this thread for the work: the best of three, without other processes. */
function time(work: () => unknown): number {
  const times = [1, 2, 3].map(() => {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  })
  return Math.min(...times)
}

/** Four times the input may take four times as long, and as much again for caches and garbage collection. */
function expectLinear(title: string, make: (size: number) => () => unknown, size: number): void {
  const [small, large] = [time(make(size)), time(make(4 * size))]
  console.log(`${title}: ${small.toFixed(0)} ms for ${size}, ${large.toFixed(0)} ms for four times as many`)
  expect(large).toBeLessThan(8 * small + 50)
}

const table = (relation: Partial<Relation>): Snapshot =>
  snapshot({ schemas: [{ name: 'public', relations: [{ name: 't', kind: 'table', columns: [], ...relation }] }] })
const named = (count: number, prefix: string) => numbered(count).map(at => ({ name: `${prefix}${at}`, type: 'text' }))

describe('Drift from a hostile catalog', () => {
  it('reports 120,000 changes without overflowing the stack, and those of 400,000 columns one by one', () => {
    const relations = numbered(120_000).map(at => ({ name: `t${at}`, kind: 'table' as const, columns: [] }))
    const [full, empty] = [relations, []].map(list => snapshot({ schemas: [{ name: 'public', relations: list }] }))
    if (full === undefined || empty === undefined) throw new Error('two snapshots were made')
    expect(drift(full, empty)).toHaveLength(120_000)
    let changes = 0
    eachChange(table({ columns: named(400_000, 'a') }), table({ columns: named(400_000, 'b') }), () => (changes += 1))
    expect(changes).toBe(800_000)
  })

  it.each<[string, (size: number) => () => unknown, number]>([
    [
      'columns that are all others',
      size => {
        const [a, b] = [table({ columns: named(size, 'a') }), table({ columns: named(size, 'b') })]
        return () => drift(a, b)
      },
      20_000,
    ],
    [
      'keys that are all gone',
      size => {
        const indexes = numbered(size).map(at => ({
          name: `i${at}`,
          unique: true as const,
          definition: `CREATE UNIQUE INDEX i${at} ON public.t USING btree (a${at})`,
        }))
        const others = indexes.map(index => ({
          ...index,
          name: `j${index.name}`,
          definition: `${index.definition.slice(0, -1)}, b)`,
        }))
        const [a, b] = [table({ indexes }), table({ indexes: others })]
        return () => drift(a, b)
      },
      5_000,
    ],
    [
      'labels of an enum',
      size => {
        const made = (labels: string[]) =>
          snapshot({ schemas: [{ name: 'public', relations: [], enums: [{ name: 'e', labels }] }] })
        const labels = numbered(size).map(String)
        const [a, b] = [made(labels), made(labels.toReversed())]
        return () => drift(a, b)
      },
      20_000,
    ],
    ['brackets of a type', size => () => typeChange(`${'[]'.repeat(size)}x`, `${'[]'.repeat(size)}y`), 100_000],
    ['dimensions of a type', size => () => typeChange(`x${'[]'.repeat(size)}`, `y${'[]'.repeat(size)}`), 20_000],
    [
      'quotes of an index',
      size => () =>
        keyColumnsOf(
          table({
            indexes: [
              {
                name: 'i',
                unique: true,
                definition: `CREATE UNIQUE INDEX i USING btree (${'"'.repeat(2 * size + 1)})`,
              },
            ],
          }).schemas[0]?.relations[0] ?? {},
        ),
      100_000,
    ],
    [
      'beginnings of an index',
      size => () =>
        keyColumnsOf(
          table({
            indexes: [{ name: 'i', unique: true, definition: `CREATE UNIQUE INDEX ${' USING btree ('.repeat(size)}` }],
          }).schemas[0]?.relations[0] ?? {},
        ),
      20_000,
    ],
    [
      'the canonical text',
      size => {
        const large = table({ columns: named(size, 'a') })
        return () => canonicalText(large)
      },
      40_000,
    ],
  ])('grows no faster than %s', (title, make, size) => {
    expectLinear(title, make, size)
  })

  it('reads a row in time linear in its size, whatever it contains', () => {
    const shapes = fc.constantFrom<(size: number) => string>(
      size => '['.repeat(size),
      size => `{"k":${'{"a":'.repeat(size)}`,
      size => JSON.stringify({ k: 'comments', id: '1', texts: { 0: `${' '.repeat(size)}]` } }),
      size =>
        JSON.stringify({ k: 'enum', schema: 'public', name: `${'[]'.repeat(size)}x`, labels: null, comment: null }),
      size => JSON.stringify({ k: 'columns', id: '1', numbers: numbered(size) }),
    )
    fc.assert(
      fc.property(shapes, shape => {
        const reading = (text: string) => () => endOf(() => read([text]))
        const [small, large] = [time(reading(shape(100_000))), time(reading(shape(400_000)))]
        return large < 8 * small + 50
      }),
      { numRuns: 10 },
    )
  })
})

describe('The key that two forms share', () => {
  /** The former parser of an index's columns: its time is quadratic in the length of the text. */
  const unquotedBefore = (text: string) =>
    text.replace(/"((?:[^"]|"")*)"/g, (_, name: string) => name.replaceAll('""', '"'))

  it('is unchanged for every quoting of a name', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('"', '""', 'a', ', ', ' USING btree ('), { maxLength: 12 }), parts => {
        const columns = parts.join('')
        const last = columns.split(' USING btree (').at(-1) ?? ''
        const index = { name: 'i', unique: true, definition: `CREATE UNIQUE INDEX i ON t USING btree (${columns})` }
        expect([...keyColumnsOf({ indexes: [index] })]).toEqual([unquotedBefore(last)])
      }),
    )
  })
})
