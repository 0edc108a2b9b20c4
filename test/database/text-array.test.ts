/** Long texts as one binary parameter: PostgreSQL reads back the written array, for any texts. */
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { textArray } from '#server/store/database/text-array.ts'
import { fc } from '#test/support/house/properties.ts'

let client: pg.Client
beforeAll(async () => {
  client = new pg.Client({ connectionString: inject('adminUrl') })
  await client.connect()
})
afterAll(() => client.end())

it('PostgreSQL reads the same array of texts from its binary form', async () => {
  const text = fc
    .oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'null', '{"a":"b\\"c"}', 'é', '\u{1F984}'))
    .map(any => any.toWellFormed().replaceAll('\u0000', ''))
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 20 }), async texts => {
      const { rows } = await client.query('select $1::text[] as texts', [textArray(texts)])
      expect(rows).toEqual([{ texts }])
    }),
  )
})
