/**
 * Answers that no schema parses again: byte for byte those that the schema would print, in every dialect, for any row;
 * and values of columns, which are those of the driver's own parsers.
 */
import fc from 'fast-check'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { iso, rowToResponse } from '#server/api/responses/datasource.ts'
import { seconds } from '#server/rest/datasources/datasource-object.ts'
import { parseTexts, parseTimestamp } from '#server/store/connection/row-reader.ts'
import { Check, CheckItem } from '#shared/checks/check.ts'
import { Datasource, DatasourcePage, DB_TYPES, Status } from '#shared/datasources/datasource.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const orNull = <T>(given: fc.Arbitrary<T>) => fc.option(given, { nil: null })
const time = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })

/** An object with its fields in any order, and perhaps one that the schema lacks, as `jsonb` of any release has it. */
const shuffled = <T extends object>(given: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.tuple(given, fc.array(fc.nat()), fc.boolean()).map(([object, order, hasMore]) => {
    const entries = Object.entries({ ...object, ...(hasMore ? { more: 1 } : {}) })
    const sorted = entries.map((entry, at) => ({ entry, at: order[at] ?? at })).sort((one, other) => one.at - other.at)
    return Object.fromEntries(sorted.map(({ entry }) => entry)) as T // the same fields
  })

const check = shuffled(
  fc.record(
    {
      item: fc.constantFrom(...CheckItem.options),
      outcome: fc.constantFrom(...Check.shape.outcome.options),
      actual: text,
      fix: text,
    },
    { requiredKeys: ['item', 'outcome'] },
  ),
)

const feed = fc.record({
  cursor: orNull(text),
  newest_event_ms: orNull(fc.nat()),
  polled_at: orNull(time),
  drained: fc.boolean(),
  retry_count: fc.nat(),
  last_request_at: orNull(time),
  last_success_at: orNull(time),
  last_error: orNull(text),
  rotation_error: orNull(text),
  pending_last4: orNull(text),
})

const row = fc
  .record({
    id: fc.uuid(),
    mode: fc.constantFrom('live' as const, 'test' as const),
    name: orNull(text),
    db_type: orNull(fc.constantFrom(...DB_TYPES)),
    status: fc.constantFrom(...Status.options),
    status_reason: orNull(fc.constantFrom('host_refused', 'rate_limited', 'toString')),
    host: orNull(fc.constantFrom('db.acme.io', '2001:db8::7')),
    port: orNull(fc.integer({ min: 1, max: 65_535 })),
    database: orNull(text),
    schema: orNull(text),
    excluded_schemas: orNull(fc.array(text)),
    metadata: fc.dictionary(text, text),
    last4: orNull(text),
    fingerprint: orNull(text),
    checks: orNull(fc.array(check)),
    advisories: orNull(fc.array(shuffled(fc.record({ item: text, recommendation: text })))),
    created_at: time,
    updated_at: orNull(time),
    verified_at: orNull(time),
    introspected_at: orNull(time),
    next_check_at: orNull(time),
    deleted_at: orNull(time),
  })
  .chain(columns =>
    fc.oneof(
      fc.constant({ ...columns, kind: 'direct' as const, endpoint: null }),
      fc
        .tuple(feed, fc.webUrl())
        .map(([state, endpoint]) => ({ ...columns, kind: 'endpoint' as const, endpoint, feed: state })),
    ),
  )

describe('A datasource', () => {
  it('is what its schema would make of it, byte for byte', () => {
    fc.assert(
      fc.property(row, fc.nat(), (columns, version) => {
        const answer = rowToResponse(columns, version)
        expect(JSON.stringify(answer)).toBe(JSON.stringify(Datasource.parse(answer)))
        const page = { items: [answer], nextCursor: answer.id }
        expect(JSON.stringify(page)).toBe(JSON.stringify(DatasourcePage.parse(page)))
      }),
    )
  })

  it('is not shown with a line that the checklist lacks', () => {
    const [columns] = fc.sample(row, { numRuns: 1, seed: 1 })
    if (columns === undefined) throw new Error('there is no row')
    const stored = JSON.parse('[{"item":"weather","outcome":"pass"}]')
    expect(() => rowToResponse({ ...columns, checks: stored }, 1)).toThrow('a stored check')
  })
})

describe('A time', () => {
  it('is printed as the language prints it, in any century', () => {
    const any = fc.date({ min: new Date('-000044-03-15'), max: new Date('+012026-11-30'), noInvalidDate: true })
    fc.assert(
      fc.property(fc.oneof(any, time), at => {
        expect(iso(at)).toBe(at.toISOString())
      }),
    )
    for (const text of ['1970-01-01T00:00:00.000Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'])
      expect(iso(new Date(text))).toBe(text)
    expect(() => iso(new Date(Number.NaN))).toThrow(RangeError)
  })

  it('counts the same seconds as the language, in any century and after any other time', () => {
    const any = fc.date({ min: new Date('-000044-03-15'), max: new Date('+012026-11-30'), noInvalidDate: true })
    const near = fc.date({ min: new Date('2026-11-30T22:00:00Z'), max: new Date('2026-11-30T22:02:00Z') })
    fc.assert(
      fc.property(fc.array(fc.oneof(any, near)), times => {
        for (const at of times.filter(one => !Number.isNaN(one.getTime())).map(one => one.toISOString()))
          expect(seconds(at)).toBe(Math.floor(Date.parse(at) / 1_000))
      }),
    )
  })
})

describe('A column', () => {
  const dateOf: (given: string) => unknown = pg.types.getTypeParser(1184)
  const texts: number = 1009
  const arrayOf: (given: string) => unknown = pg.types.getTypeParser(texts)

  it('with a time is the same instant that the driver reads, in any zone, century and precision', () => {
    const digits = fc.integer({ min: 0, max: 6 }).chain(count => fc.stringMatching(new RegExp(`^[0-9]{${count}}$`)))
    const zone = fc.constantFrom('+00', '+02', '-03:30', '+05:45:10')
    const date = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(date, digits, zone, (at, fraction, offset) => {
        const given = `${at.toISOString().slice(0, 19).replace('T', ' ')}${fraction === '' ? '' : `.${fraction}`}${offset}`
        expect(parseTimestamp(given)).toEqual(dateOf(given))
      }),
    )
    for (const given of ['infinity', '-infinity', '0044-03-15 12:00:00+00 BC', '12026-11-30 00:00:00+00'])
      expect(parseTimestamp(given)).toEqual(dateOf(given))
  })

  it('with texts is a new array each time, equal to the one that the driver reads', () => {
    for (const given of ['{a,b}', '{a,b}', '{}', '{"a,b",NULL,"\\"c"}']) {
      const read = parseTexts(given)
      expect(read).toEqual(arrayOf(given))
      read.push('mine')
      expect(parseTexts(given)).toEqual(arrayOf(given))
    }
  })
})
