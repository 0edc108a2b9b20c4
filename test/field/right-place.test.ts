/**
 * R5: a refusal names what is wrong for what it is, and the place where it stands.
 */
import { describe, expect, it } from 'vitest'
import { stringCases, whatItSays } from '#test/support/field/strings.ts'

describe('A string', () => {
  it.each(stringCases('right-place.json'))('$text', one => {
    expect(whatItSays(one)).toEqual([])
  })
})
