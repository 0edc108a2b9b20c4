/** R4: strings from dashboards and error messages are accepted, or the refusal says what to paste instead. */
import { describe, expect, it } from 'vitest'
import { differencesOf, stringCases } from '#test/support/field/strings.ts'

describe('A string', () => {
  it.each(stringCases('dashboard-strings.json'))('$text', one => {
    expect(differencesOf(one)).toEqual([])
  })
})
