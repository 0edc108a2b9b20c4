/**
 * The meaning of the parts of a relation for its columns: the checks that refuse null, the keys that replace each other,
 * the names of partitions, and the policies that let rows through.
 */
import { describe, expect, it } from 'vitest'
import { nullCheck, requiredBy } from '#shared/schemas/drift/drift-check.ts'
import { isReplaced, keyColumnsOf } from '#shared/schemas/drift/drift-key.ts'
import { partitionKeys, relationKey } from '#shared/schemas/drift/drift-partition.ts'
import { isHidden } from '#shared/schemas/drift/drift-row-security.ts'
import { isIdentical } from '#shared/schemas/drift/drift-same.ts'

const deep = `${'('.repeat(5_000)}a IS NOT NULL${')'.repeat(5_000)}`

describe('A check constraint', () => {
  it.each<[string, string[], boolean]>([
    ['CHECK ((a IS NOT NULL))', ['a'], true],
    ['CHECK (a IS NOT NULL)', ['a'], true],
    ['CHECK ((("A ""b" IS NOT NULL)))', ['A "b'], true],
    ['CHECK ((NOT (a IS NULL)))', ['a'], true],
    ['CHECK ((NOT a IS NULL))', ['a'], true],
    ['CHECK (((a IS NOT NULL) AND (b IS NOT NULL)))', ['b', 'a'], true],
    ["CHECK (((a IS NOT NULL) AND (b <> ''::text)))", ['a'], false],
    ['CHECK (((a IS NOT NULL) AND ((b IS NOT NULL) AND (c > 0))))', ['b', 'a'], false],
    ["CHECK (((a IS NOT NULL) AND (b <> ' AND c IS NOT NULL'::text)))", ['a'], false],
    ['CHECK (((a IS NOT NULL) AND (" OR " IS NOT NULL)))', [' OR ', 'a'], true],
    ['CHECK ((ROW(a, b) IS NOT NULL))', ['a', 'b'], true],
    ['CHECK ((ROW(a, "B") IS NOT NULL))', ['a', 'B'], true],
    ['CHECK ((num_nonnulls(a, b) = 2))', ['a', 'b'], true],
    ['CHECK ((num_nonnulls(a, b) = 1))', [], false],
    ['CHECK ((num_nonnulls(a, b) > 1))', [], false],
    ['CHECK (((a IS NOT NULL) OR (b IS NOT NULL)))', [], false],
    ['CHECK (((a IS NOT NULL) AND (b IS NOT NULL) OR (c IS NOT NULL)))', [], false],
    ['CHECK ((a IS NULL))', [], false],
    ['CHECK ((x.a IS NOT NULL))', [], false],
    ['CHECK ((a IS NOT NULL) IS TRUE)', [], false],
    ['CHECK ((a IS NOT NULL)) NOT VALID', ['a'], true],
    ['CHECK ((a IS NOT NULL)) NO INHERIT', ['a'], true],
    ['CHECK ((a IS NOT NULL)) NOT ENFORCED', [], false],
    ['NOT CHECK ((a IS NOT NULL))', [], false],
    ['CHECK ((a IS NOT NULL)', [], false],
    ['CHECK ((a IS NOT NULL)))', [], false],
    ["CHECK ((a = ')'::text) AND (b IS NOT NULL))", ['b'], false],
    ["CHECK ((a = 'x))", [], false],
    [`CHECK (("${'a'.repeat(63)}" IS NOT NULL))`, ['a'.repeat(63)], true],
    [`CHECK (("${'a'.repeat(186)}" IS NOT NULL))`, ['a'.repeat(186)], true],
    [`CHECK (("${'a'.repeat(187)}" IS NOT NULL))`, [], false],
    [`CHECK (${deep})`, ['a'], true],
  ])('%# says which columns it keeps from being null', (definition, columns, isPure) => {
    expect(nullCheck(definition)).toEqual({ columns, isPure })
  })

  it('without a text says nothing', () => {
    for (const value of [undefined, null, 1]) expect(nullCheck(value)).toEqual({ columns: [], isPure: false })
  })

  it('counts for a relation, and for a domain, as no other constraint does', () => {
    const definition = 'CHECK ((a IS NOT NULL))'
    expect([...requiredBy({ constraints: [{ kind: 'check', definition }] })]).toEqual(['a'])
    expect([...requiredBy({ constraints: [{ kind: 'unique', definition }] })]).toEqual([])
    expect([...requiredBy({ checks: [{ definition }] })]).toEqual(['a'])
    expect([...requiredBy({})]).toEqual([])
  })
})

describe('A key', () => {
  const index = (definition: string, more: object = {}) => ({ unique: true, definition, ...more })
  const on = (columns: string) => index(`CREATE UNIQUE INDEX i ON public.t USING btree (${columns})`)

  it('is a constraint or a unique index, by its columns', () => {
    const constraint = (kind: string, more: object = {}) => ({ kind, columns: ['a', 'b'], ...more })
    const keys = (...constraints: object[]) => [...keyColumnsOf({ constraints })]
    expect(keys(constraint('primary_key'))).toEqual(['a, b'])
    expect(keys(constraint('unique'))).toEqual(['a, b'])
    expect(keys(constraint('check'), constraint('foreign_key'))).toEqual([])
    expect(keys(constraint('unique', { definition: 'x' }))).toEqual([])
    expect([...keyColumnsOf({ indexes: [on('a'), on('b')] })]).toEqual(['a', 'b'])
  })

  it.each<[object, string[]]>([
    [on('"a b", c'), ['a b, c']],
    [on('"a""b"'), ['a"b']],
    [on('"a""""b"'), ['a""b']],
    [on('"a'), ['"a']],
    [on('"a", "b"'), ['a, b']],
    [index('CREATE UNIQUE INDEX i ON public.t USING hash (a)'), []],
    [index('CREATE INDEX i ON public.t USING btree (a)'), []],
    [index('CREATE UNIQUE INDEX i ON public.t USING btree (a) WHERE b'), []],
    [index('CREATE UNIQUE INDEX " USING btree (x" ON public.t USING btree (a)'), ['a']],
    [{ ...on('a'), invalid: true }, []],
    [{ ...on('a'), unique: undefined }, []],
  ])('%# is read from the text of an index', (node, keys) => {
    expect([...keyColumnsOf({ indexes: [node] })]).toEqual(keys)
  })

  it('is replaced by one over the same columns', () => {
    expect(isReplaced(on('a'), new Set(['a']))).toBe(true)
    expect(isReplaced(on('a'), new Set(['a, b']))).toBe(false)
    expect(isReplaced({ kind: 'check' }, new Set(['a']))).toBe(false)
    expect(isReplaced(undefined, new Set(['a']))).toBe(false)
  })
})

it('A partition is named with its schema, quoted where that is needed', () => {
  const keysOf = (...names: string[]) => [
    ...partitionKeys({ schemas: [{ relations: [{ partitions: names.map(name => ({ name })) }] }] }),
  ]
  expect(keysOf('a.b', '"a.b".c', 'a."b""c"', '"A""B"."c.d"')).toEqual([
    relationKey('a', 'b'),
    relationKey('a.b', 'c'),
    relationKey('a', 'b"c'),
    relationKey('A"B', 'c.d'),
  ])
  expect(keysOf('a')).toEqual([relationKey('', '')])
  expect(relationKey('a', 'b')).toBe('["a","b"]')
})

it('Rows are hidden where no permissive policy is for reading', () => {
  const hidden = (...policies: object[]) => isHidden({ rowSecurity: true, policies })
  expect([hidden(), hidden({ command: 'insert' }), hidden({ command: 'all', restrictive: true })]).toEqual([
    ...[true, true, true],
  ])
  expect([hidden({ command: 'all' }), hidden({ command: 'insert' }, { command: 'select' })]).toEqual([false, false])
  expect(isHidden({ policies: [] })).toBe(false)
})

it('Values are identical down to the last of their parts', () => {
  const same = [
    [1, 1],
    [{ a: [1, { b: null }] }, { a: [1, { b: null }] }],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [[], []],
    [{}, {}],
  ]
  for (const [one, other] of same) expect(isIdentical(one, other), JSON.stringify(one)).toBe(true)
  const different = [
    [1, 2],
    [1, '1'],
    [null, {}],
    [{}, null],
    [[], {}],
    [{}, []],
    [[1], [1, 2]],
    [[1, 2], [1]],
    [
      [1, 2],
      [1, 3],
    ],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [{ a: { b: 1 } }, { a: { b: 2 } }],
    [{ a: undefined }, { b: undefined }],
    ['a', ['a']],
    [undefined, {}],
  ]
  for (const [one, other] of different) expect(isIdentical(one, other), JSON.stringify([one, other])).toBe(false)
})
