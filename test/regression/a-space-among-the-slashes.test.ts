/**
 * A string with a space before its slashes was said to lack two slashes; an invisible character in the host of a string
 * without a login was said to be in the database name.
 */
import { expect, it } from 'vitest'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'

it('A refusal names the space among the slashes, and the host as the place of an invisible character', () => {
  for (const scheme of ['postgres ://', 'postgres: //', 'postgresql:/ /'])
    expect(parseConnectionString(`${scheme}app:s3cret@db.acme.io/shop`)).toMatchObject({
      ...{ code: 'scheme_refused', message: expect.stringContaining('There is a space in the scheme') },
    })
  expect(parseConnectionString('postgres://db.ac\u200bme.io:5432/shop')).toMatchObject({
    ...{ code: 'character_refused', message: expect.stringContaining('is in the host; remove it') },
  })
  expect(parseConnectionString('postgres://db.acme.io/sh\u200bop')).toMatchObject({
    message: expect.stringContaining('is in the database name'),
  })
})
