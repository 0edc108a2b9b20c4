/** R5: a refusal names the kind of mistake and its place in the string. */
import { describe, expect, it } from 'vitest'
import { differencesOf, stringCases } from '#test/support/field/strings.ts'

describe('A string', () => {
  it.each(stringCases('right-place.json'))('$text', one => {
    expect(differencesOf(one)).toEqual([])
  })
})
