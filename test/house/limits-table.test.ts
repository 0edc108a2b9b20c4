/**
 * The table of limits is complete: it equals the document, each row names an existing test, and every size that a
 * stranger controls is in it.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '#server/limits/table.ts'
import { readSources, sourceOf } from '#test/support/house/architecture/source.ts'
import { limitsDocument } from '#test/support/limits/document.ts'
import { foundIn, tablesIn } from '#test/support/limits/found.ts'
import { unboundedInputs } from '#test/support/limits/inputs.ts'
import { NOT_SIZED } from '#test/support/limits/not-sized.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const limits = Object.values(LIMITS).flat()
const held = limits.flatMap(limit => limit.holds ?? [])

async function everything(): Promise<string[]> {
  const sources = await readSources(root, ['shared', 'server', 'client'])
  const tables = tablesIn(await readFile(`${root}migrations/schema.sql`, 'utf8'))
  return [...sources.flatMap(foundIn), ...tables, ...unboundedInputs()]
}

describe('The table of limits', () => {
  it('equals docs/limits.md (npm run dump writes it)', async () => {
    expect(await readFile(`${root}docs/limits.md`, 'utf8')).toBe(limitsDocument())
  })

  it('names each thing once, with a bound above zero', () => {
    const names = limits.map(limit => limit.what)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
    expect(limits.filter(({ bound }) => !(Number.isFinite(bound) && bound > 0))).toEqual([])
  })

  it('names for each bound an existing test file that mentions it', async () => {
    const wrong: string[] = []
    for (const { what, test } of limits) {
      const [file, names] = test
      const path = `${root}test/${file}.test.ts`
      const text = existsSync(path) ? await readFile(path, 'utf8') : null
      if (text === null || !text.includes(names)) wrong.push(`${what}: ${file} ${names}`)
    }
    expect(wrong).toEqual([])
  })

  it('or the list of not-sized things has every container, table, loop and open input of the code', async () => {
    const found = await everything()
    expect(found.filter(name => !held.includes(name) && !Object.hasOwn(NOT_SIZED, name))).toEqual([])
  })

  it('names nothing that no longer exists, and neither does the list', async () => {
    const found = await everything()
    expect([...held, ...Object.keys(NOT_SIZED)].filter(name => !found.includes(name))).toEqual([])
  })
})

describe('The walk over the code', () => {
  it('finds containers of classes and closures, and loops without a counter', () => {
    const text = `
      class Queue { readonly #waiting = new Map(); #list: string[] = []; #count = 0 }
      export function keeper() { const kept = new Set(); return { add: (x) => kept.add(x) } }
      async function follow(stream) { for await (const one of stream) use(one); while (more()) use(1); for (;;) use(2) }
      const fixed = new Set(['a']); for (let at = 0; at < 3; at += 1) use(at); for (const x of fixed) use(x)
    `
    const names = ['#waiting', '#list', 'kept', 'follow()'].map(name => `server/x.ts ${name}`)
    expect(foundIn(sourceOf('server/x.ts', text))).toEqual(names)
  })

  it('finds tables', () => {
    expect(tablesIn('create table one (\n);\nCREATE INDEX x;\ncreate table two_b (\n);')).toEqual([
      'table one',
      'table two_b',
    ])
  })
})
