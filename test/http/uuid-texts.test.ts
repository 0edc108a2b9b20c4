/**
 * A UUID is accepted in every notation that Pydantic accepts, and refused in its words: `test/vectors/uuid-texts.json`.
 */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readUuid } from '#shared/base/uuid-text.ts'

const { rows }: { rows: [text: string, uuid: string | null, error: string | null][] } = JSON.parse(
  readFileSync(new URL('../vectors/uuid-texts.json', import.meta.url), 'utf8'),
)

it('Pydantic and this reader accept the same texts for the same UUIDs, and report the same errors for the others', () => {
  expect(rows.filter(([, uuid]) => uuid !== null).length).toBeGreaterThan(8)
  for (const [text, uuid, error] of rows) {
    const read = readUuid(text)
    expect([text, read.ok ? read.uuid : null, read.ok ? null : read.error]).toEqual([text, uuid, error])
  }
})
