/** R6: masks and placeholders are refused before any dial; real passwords that resemble one are accepted. */
import { describe, expect, it } from 'vitest'
import { differencesOf, stringCases } from '#test/support/field/strings.ts'

describe('A string', () => {
  it.each(stringCases('placeholders.json'))('$text', one => {
    expect(differencesOf(one)).toEqual([])
  })
})
