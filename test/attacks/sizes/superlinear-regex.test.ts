/**
 * No regular expression of the product takes more than linear time: a stranger would choose the text. Recheck searches
 * for a worst-case text by analysis and by trying.
 */
import { fileURLToPath } from 'node:url'
import { check } from 'recheck'
import { describe, expect, it } from 'vitest'
import { readSources } from '#test/support/house/architecture/source.ts'
import { type FoundRegex, regexesOf } from '#test/support/house/regex-literals.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Expressions built at run time from the product's own parts, and the place where those parts are checked. */
const MADE: Readonly<Record<string, string>> = {
  'client/cli/schema-sql-order.ts': 'two escaped names between look-arounds of one character',
  'client/cli/schema-sql-outline.ts': 'a constant form',
  'client/cli/schema-types.ts': 'a constant name between word boundaries',
  'shared/base/printable.ts': 'one class of characters, or two fixed forms beside it',
  'shared/connection-string/uri-text.ts': 'one class of characters',
  'shared/schemas/drift/drift-check.ts': 'one name, from the first character to the last',
}

/**
 * Removes the checker's own time limits of a quarter of a second: on a busy machine it reports an expired limit as an
 * attack.
 */
const BY_STEPS_ALONE = { timeout: 60_000, seedingTimeout: null, incubationTimeout: null, attackTimeout: null }

async function findings(found: readonly FoundRegex[]): Promise<string[]> {
  const bad: string[] = []
  for (const { place, pattern, flags } of found) {
    if (pattern === null) continue
    const { status } = await check(pattern, flags, BY_STEPS_ALONE)
    if (status !== 'safe') bad.push(`${place} /${pattern}/${flags}: ${status}`)
  }
  return bad
}

describe('The regular expressions', () => {
  it('of shared, server and client are linear', async () => {
    const sources = await readSources(root, ['shared', 'server', 'client'])
    const found = sources.flatMap(regexesOf)
    expect(found.length).toBeGreaterThan(100)
    expect(await findings([...new Map(found.map(one => [`${one.pattern}/${one.flags}`, one])).values()])).toEqual([])
    const made = found.filter(({ pattern }) => pattern === null).map(({ place }) => place.split(':')[0] ?? '')
    expect([...new Set(made)].sort()).toEqual(Object.keys(MADE).sort())
  }, 600_000)

  it('that once stopped a worker are found by the checker', async () => {
    const text = String.raw`const one = /(\[\])+$/; const two = new RegExp('a*a*$'); const three = new RegExp(one.source)`
    const found = regexesOf({ path: 'one.ts', text })
    expect(found.map(({ place, pattern }) => [place, pattern])).toEqual([
      ['one.ts:1', String.raw`(\[\])+$`],
      ['one.ts:1', 'a*a*$'],
      ['one.ts:1', null],
    ])
    expect(await findings(found)).toHaveLength(2)
  })
})
