/** The documents: short where required, current where generated, and every name in them exists. */
import { access, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { faultsDocument } from '#server/rest/guide/faults-page.ts'
import { VERSION } from '#shared/base/version.ts'
import { readResults, withResults } from '#test/bench/table/report.ts'
import { commandsDocument } from '#test/support/papers/commands-document.ts'
import { guideModule } from '#test/support/papers/guide-module.ts'
import { stateMachinesDocument } from '#test/support/papers/state-machines-document.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFile(join(root, path), 'utf8')
const inDocs = (await readdir(join(root, 'docs'), { recursive: true })).map(name => `docs/${name}`)
const PAPERS = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...inDocs].filter(name =>
  name.endsWith('.md'),
)

describe('The README', () => {
  it('has at most 120 lines of at most 100 characters', async () => {
    const lines = (await read('README.md')).trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(120)
    expect(lines.filter(line => [...line].length > 100)).toEqual([])
  })
})

describe('A generated document is current', () => {
  it.each([
    ['docs/commands.md', commandsDocument],
    ['docs/faults.md', faultsDocument],
    ['docs/state-machines.md', stateMachinesDocument],
    ['server/rest/guide/guide-text.ts', guideModule],
  ])('%s', async (path, make) => {
    expect(await read(path), 'run: npm run dump').toBe(await make())
  })
})

it('The table of benchmarks is that of the last results', async () => {
  const document = await read('docs/benchmarks.md')
  expect(withResults(document, await readResults()), 'run: npm run bench').toBe(document)
})

describe.each(PAPERS)('%s', path => {
  it('names existing scripts', async () => {
    const { scripts } = JSON.parse(await read('package.json'))
    const named = [...(await read(path)).matchAll(/npm run (?:-s )?([a-z][a-z:-]*)/g)].map(found => found[1] ?? '')
    expect(named.filter(name => !name.endsWith(':') && scripts[name] === undefined)).toEqual([])
  })

  it('names variables that the product reads', async () => {
    const files = [
      'server/config.ts',
      'server/own-url.ts',
      'server/domain/feeds/feed-settings.ts',
      'server/domain/tasks/retention-settings.ts',
    ]
    const config = (await Promise.all([...files, 'client/node.ts'].map(read))).join('')
    const variables = [...(await read(path)).matchAll(/`(MOORING_[A-Z_]*[A-Z])(?![A-Z_])/g)].map(
      found => found[1] ?? '',
    )
    expect(variables.filter(name => !config.includes(name))).toEqual([])
  })

  it('names existing files and working links', async () => {
    const text = await read(path)
    const named = [...text.matchAll(/`((?:test|server|shared|client|migrations)\/[\w./-]+\.(?:ts|sql))`/g)].map(
      ([, name]) => name ?? '',
    )
    const linked = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, to]) =>
      join(dirname(path), to ?? ''),
    )
    for (const name of [...named, ...linked]) await expect(access(join(root, name)), name).resolves.toBeUndefined()
  })
})

it('The settings page has every variable that the product reads', async () => {
  const settings = await read('docs/settings.md')
  const config = await read('server/config.ts')
  const variables = new Set([...config.matchAll(/'(MOORING_[A-Z_]+)'/g)].map(found => found[1] ?? ''))
  const short = (name: string) => `\`…${name.slice(name.indexOf('_', 'MOORING_'.length))}`
  expect([...variables].filter(name => !settings.includes(name) && !settings.includes(short(name)))).toEqual([])
})

it('Every dependency has its reason in docs/decisions/dependencies.md', async () => {
  const { dependencies } = JSON.parse(await read('package.json'))
  const reasons = await read('docs/decisions/dependencies.md')
  expect(Object.keys(dependencies).filter(name => !reasons.includes(`\`${name}\``))).toEqual([])
})

it('package.json, the code and the top of the CHANGELOG have one version', async () => {
  const { version } = JSON.parse(await read('package.json'))
  const newest = /^## (\d+\.\d+\.\d+)/m.exec(await read('CHANGELOG.md'))?.[1]
  expect({ code: VERSION, newest }).toEqual({ code: version, newest: version })
})
