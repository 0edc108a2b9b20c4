/**
 * An error in a malformed JSON text is reported in CPython's words and at an offset in code points; the parser's own
 * message, which quotes the text, is never used. `test/vectors/json-errors.json` holds the results of `json.loads` for
 * each of its texts.
 */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { jsonError } from '#server/rest/http/json-offset.ts'
import { fc } from '#test/support/house/properties.ts'

const { rows }: { rows: [text: string, message: string, offset: number][] } = JSON.parse(
  readFileSync(new URL('../vectors/json-errors.json', import.meta.url), 'utf8'),
)

const isJson = (text: string) => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

it('CPython and this reader report the same error for every text that both reject', () => {
  expect(rows.length).toBeGreaterThan(400)
  expect(rows.filter(([text]) => isJson(text))).toEqual([])
  const said = rows.map(([text]) => ({ text, ...jsonError(text) }))
  expect(said).toEqual(rows.map(([text, message, offset]) => ({ text, message, offset })))
  const sentences = new Set(rows.map(([, message]) => message))
  expect([...sentences].sort()).toEqual([
    "Expecting ',' delimiter",
    "Expecting ':' delimiter",
    'Expecting property name enclosed in double quotes',
    'Expecting value',
    'Extra data',
    'Invalid \\escape',
    'Invalid \\uXXXX escape',
    'Invalid control character at',
    'Unterminated string starting at',
  ])
  // Beyond the basic plane a character is one code point and two UTF-16 code units.
  expect(rows.filter(([text]) => /[\u{10000}-\u{10ffff}]/u.test(text)).length).toBeGreaterThan(20)
})

// CPython accepts these; no field can hold one, and its own framework answers 500 when it has to print one.
it.each(['NaN', '[Infinity]', '{"a": -Infinity}'])('%s is deliberately not a value', text => {
  expect(jsonError(text)?.message).toBe('Expecting value')
})

it('The reader accepts exactly the texts that JavaScript accepts', () => {
  const piece = fc.constantFrom(
    ...'{}[]",:\\ \n',
    '\\u',
    '0041',
    '\\ud83d',
    'true',
    'null',
    '-',
    '0',
    '1',
    '.',
    'e',
    '🦀',
  )
  const texts = fc.oneof(
    fc.array(piece, { maxLength: 10 }).map(pieces => pieces.join('')),
    fc.json(),
    fc.tuple(fc.json(), fc.nat(), piece).map(([text, spot, at]) => text.slice(0, spot % (text.length + 1)) + at),
  )
  fc.assert(
    fc.property(texts, text => {
      const found = jsonError(text)
      expect(found === null).toBe(isJson(text))
      if (found !== null) expect(found.offset).toBeLessThanOrEqual([...text].length)
    }),
  )
})

it('A text nested as deep as it is long takes no stack, and linear time', () => {
  const deep = 500_000
  expect(jsonError('['.repeat(deep))).toEqual({ message: 'Expecting value', offset: deep })
  expect(jsonError('{"a":'.repeat(deep))).toEqual({ message: 'Expecting value', offset: 5 * deep })
  expect(jsonError('['.repeat(deep) + ']'.repeat(deep))).toBeNull()
  const timed = (length: number) => {
    const text = '[{"a":"b"},'.repeat(length)
    const startedAt = performance.now()
    jsonError(text)
    return performance.now() - startedAt
  }
  timed(10_000)
  // Eight times the text may take thirty times as long under load; quadratic work would take sixty-four times.
  expect(timed(80_000)).toBeLessThan(Math.max(1_000, 30 * timed(10_000)))
})
