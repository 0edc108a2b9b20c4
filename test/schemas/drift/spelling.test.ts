/**
 * SQL as two major versions of PostgreSQL format it, and as a dump and reload do: which texts are the same, and which
 * brackets, words and names have a meaning. Each pair is compared in both directions.
 */
import { describe, expect, it } from 'vitest'
import { isReprinted, isRespelled } from '#shared/schemas/drift/drift-spelling.ts'

const deep = (depth: number) => `${'('.repeat(depth)}a${')'.repeat(depth)}`

describe('Two versions of PostgreSQL', () => {
  it.each([
    ['SELECT t.a\n   FROM t;', 'SELECT a FROM t'],
    ['SELECT "t".a FROM t', 'SELECT a FROM t'],
    ['SELECT public.t.a FROM t', 'SELECT public.t.a FROM t'],
    ['SELECT "a" FROM t', 'SELECT a FROM t'],
    ['(0)::text', '0::text'],
    ['((a))::text', 'a::text'],
    ["('x'::text)", "'x'::text"],
    ['(now()) > a', 'now() > a'],
    ['(at).hour', 'at.hour'],
    ['f(((a + b)))', 'f((a + b))'],
    ['(((a > 1) AND (b > 2)) AND (c > 3))', '((a > 1) AND (b > 2) AND (c > 3))'],
    ['((a > 1) AND ((b > 2) AND (c > 3)))', '((a > 1) AND (b > 2) AND (c > 3))'],
    ['((a OR b) OR c)', '(a OR b OR c)'],
    ['a[(1)]', 'a[1]'],
    ['EXTRACT(year FROM at)', "date_part('year'::text, at)"],
    ['TRIM(BOTH FROM a)', 'btrim(a)'],
    ["TRIM(BOTH 'x' FROM a)", "btrim(a, 'x')"],
    ["TRIM(LEADING 'x' FROM a)", "ltrim(a, 'x')"],
    ["TRIM(TRAILING 'x' FROM a)", "rtrim(a, 'x')"],
    ['SUBSTRING(a FROM 1 FOR 2)', 'substring(a, 1, 2)'],
    ['SUBSTRING(a FROM 1)', 'substring(a, 1)'],
    ['OVERLAY(a PLACING b FROM 1 FOR 2)', 'overlay(a, b, 1, 2)'],
    ['OVERLAY(a PLACING b FROM 1)', 'overlay(a, b, 1)'],
    ['POSITION((a) IN (b))', 'position(b, a)'],
    ['POSITION((a + c) IN (b))', 'position(b, (a + c))'],
    ['NORMALIZE(a)', 'normalize(a)'],
    ['(at AT TIME ZONE zone)', 'timezone(zone, at)'],
    ['(at AT LOCAL)', 'timezone(at)'],
    ['((a, b) OVERLAPS (c, d))', '"overlaps"(a, b, c, d)'],
    ["SELECT 'x'::text AS text", "SELECT 'x'::text"],
    ['SELECT 1::integer AS int4', 'SELECT 1::integer'],
    ['SELECT a::character varying AS varchar', 'SELECT a::character varying'],
    ['SELECT a::double precision AS float8', 'SELECT a::double precision'],
    ['SELECT a::integer[] AS int4', 'SELECT a::integer[]'],
    [deep(150), deep(1)],
  ])('write the same: %s', (one, other) => {
    expect(isRespelled(one, other)).toBe(true)
    expect(isRespelled(other, one)).toBe(true)
  })

  it.each([
    ['a', 'b'],
    ['a', 'a b'],
    ["'a'", "'b'"],
    ["'a''b'", "'ab'"],
    ['"A"', 'a'],
    ['"a b"', 'a b'],
    ['a - (b - c)', 'a - b - c'],
    ['(a OR b) AND c', 'a OR b AND c'],
    ['((a AND b) OR c)', '(a AND (b OR c))'],
    ['((a BETWEEN b AND c) AND d)', '(a BETWEEN b AND (c AND d))'],
    ['(a AND (b BETWEEN c AND d))', '(a AND b BETWEEN c AND d)'],
    ['(a AND (SELECT b AND c))', '(a AND SELECT b AND c)'],
    ['f(a, b)', 'f(a)'],
    ['(a, b)', 'a, b'],
    ['(SELECT a)', 'SELECT a'],
    ['(a)', 'a)'],
    ['(a)', '(a'],
    ['[a)', '[a)'],
    ['(a]', '(a]'],
    ['EXTRACT(year FROM at)', "date_part('month'::text, at)"],
    ['EXTRACT(year)', "date_part('year'::text)"],
    ["TRIM(SIDE 'x' FROM a)", "btrim(a, 'x')"],
    ['TRIM(BOTH a)', 'btrim(a)'],
    ['SUBSTRING(a)', 'substring(a)'],
    ['OVERLAY(a)', 'overlay(a)'],
    ['POSITION(a)', 'position(a)'],
    ['POSITION((a) IN (b))', 'position(a, b)'],
    ['(at AT TIME ZONE zone)', 'timezone(at, zone)'],
    ['(at AT TIME zone)', 'timezone(zone, at)'],
    ['(AT TIME ZONE zone)', 'timezone(zone)'],
    ['(at AT LOCAL + b)', 'timezone(at)'],
    ['((a, b) OVERLAPS (c, d) + e)', '"overlaps"(a, b, c, d)'],
    ['(a OVERLAPS (c, d))', '"overlaps"(a, c, d)'],
    ["SELECT 'x' AS text", "SELECT 'x'"],
    ["SELECT 'x'::text AS other", "SELECT 'x'::text"],
    ['SELECT 1::bigint AS int4', 'SELECT 1::bigint'],
    ['SELECT 1.a', 'SELECT a'],
    ['SELECT t.a', 'SELECT b'],
    [deep(250), deep(250)],
  ])('do not write the same: %s and %s', (one, other) => {
    expect(isRespelled(one, other)).toBe(false)
    expect(isRespelled(other, one)).toBe(false)
  })

  it('write no value but a text', () => {
    expect(isRespelled(undefined, undefined)).toBe(false)
    expect(isRespelled('a', undefined)).toBe(false)
    expect(isRespelled(null, 'a')).toBe(false)
  })
})

describe('A dump and its reload', () => {
  it.each([
    ['((a AND b) AND c)', '(a AND b AND c)', true],
    ["SELECT 'x'::text AS text", "SELECT 'x'::text", true],
    ['SELECT t.a FROM t', 'SELECT a FROM t', false],
    ['(a AND b)', '(a AND c)', false],
  ])('write %s and %s: the same is %s', (one, other, isSame) => {
    expect(isReprinted(one, other)).toBe(isSame)
    expect(isReprinted(other, one)).toBe(isSame)
  })
})
