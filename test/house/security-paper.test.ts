/** SECURITY.md: each sentence names its test, and each tested attack has a sentence. */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const paper = await readFile(`${ROOT}SECURITY.md`, 'utf8')
const tests = (await readdir(`${ROOT}test`, { recursive: true })).map(name => `test/${name}`)
const named = [...paper.matchAll(/`(test\/[\w/.-]+)`/g)].map(([, path = '']) => path)

describe('SECURITY.md', () => {
  it('names existing tests', () => {
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter(path => !tests.includes(path))).toEqual([])
  })

  it('covers every tested attack', () => {
    const attacks = tests.filter(path => path.startsWith('test/attacks/') && path.endsWith('.test.ts'))
    expect(attacks.filter(path => !named.includes(path))).toEqual([])
  })

  it('names existing commands and files', async () => {
    const { scripts } = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8'))
    const commands = [...paper.matchAll(/`npm run -s ([\w:]+)`/g)].map(([, name = '']) => name)
    expect(commands.filter(name => !Object.hasOwn(scripts, name))).toEqual([])
    const files = [...paper.matchAll(/`((?:server|docs|client)\/[\w/.-]+)`/g)].map(([, path = '']) => path)
    await Promise.all(files.map(path => readFile(ROOT + path)))
  })
})
