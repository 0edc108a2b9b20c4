/**
 * R6: masks and placeholders are refused before anything is dialled; real passwords that look a little like one are taken.
 */
import { describe, expect, it } from 'vitest'
import { stringCases, whatItSays } from '#test/support/field/strings.ts'

describe('A string', () => {
  it.each(stringCases('placeholders.json'))('$text', one => {
    expect(whatItSays(one)).toEqual([])
  })
})
