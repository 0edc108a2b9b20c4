/** Where a text stops being JSON is said exactly, without the parser's message, which quotes the text. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonStopsAt } from '#server/rest/json-offset.ts'

it.each([
  ['', 0],
  ['   ', 3],
  ['Shop', 0],
  ['{"name": Shop}', 9],
  ['{"name": "Shop",}', 16],
  ['{"name" "Shop"}', 8],
  ['{name: 1}', 1],
  ['[1, 2', 5],
  ['[1 2]', 3],
  ['[01]', 2],
  ['{"a": "b', 8],
  ['{"a": "b\nc"}', 8],
  ['{"a": "\\x"}', 7],
  ['{} {}', 3],
  ['[1,]', 3],
  ['nul', 0],
])('%j stops at %i', (text, offset) => {
  expect(() => JSON.parse(text)).toThrow()
  expect(jsonStopsAt(text)).toBe(offset)
})

it('goes to the end of all that is JSON, and no further than the damage in what is not', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(), (value, spot) => {
      const text = JSON.stringify(value, null, 1)
      expect(jsonStopsAt(text)).toBe(text.length)
      const at = spot % (text.length + 1)
      const damaged = `${text.slice(0, at)}\u0001${text.slice(at)}`
      expect(jsonStopsAt(damaged)).toBeLessThanOrEqual(at)
    }),
  )
})
