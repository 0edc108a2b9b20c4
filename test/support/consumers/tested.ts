/**
 * A consumer whose tests start a Mooring: with vitest, Jest and Playwright as docs/testing.md shows, on every Node, and
 * with the package's command. It also measures the cost of a start.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { binOf, type Check, compilerOf } from './checks.ts'
import { type Place, run } from './commands.ts'
import { writeFiles } from './projects.ts'
import type { Built } from './ways.ts'

const JEST = '30.5.2'
const PLAYWRIGHT = '1.65.1'
/** The maximum CPU seconds of a start, without and with a template. */
const MAX_COLD = 3
const MAX_WARM = 0.7
/** The number of runs, of which the minimum counts: a busy machine only makes a run longer. */
const RUNS = 5

/** The consumer's folder, and its means. */
export interface Tested {
  readonly folder: string
  readonly browser: string | null
}

/** Writes the consumer into a folder and installs it from the tarballs. */
export async function installTested(folder: string, built: Built): Promise<void> {
  const { vitest, trpc } = built.versions
  const dependencies = {
    mooring: `file:${built.tarballs.server}`,
    'mooring-client': `file:${built.tarballs.client}`,
    ...{ '@trpc/client': trpc, '@trpc/server': trpc, vitest, jest: JEST, '@playwright/test': PLAYWRIGHT },
    ...{ 'typescript-5': 'npm:typescript@5.9.3', 'typescript-7': 'npm:typescript@7.0.2' },
  }
  const block = (having: string) => {
    const blocks = [...built.testing.matchAll(/```\w+\n([\s\S]*?)```/g)].map(([, code = '']) => code)
    return blocks.find(code => code.includes(having)) ?? ''
  }
  const strict = { target: 'es2023', lib: ['es2023'], module: 'nodenext', types: [], strict: true, noEmit: true }
  const typed = 'export const url = async (): Promise<string> => (await startMooring()).databases.superuser\n'
  await writeFiles(folder, {
    'package.json': JSON.stringify({ name: 'tested', private: true, dependencies }),
    'vitest/example.test.ts': block("from 'vitest'"),
    'jest/example.test.js': block("require('mooring/testing')"),
    'playwright/example.spec.mjs': block("from '@playwright/test'"),
    'playwright.config.mjs': PLAYWRIGHT_CONFIG,
    'start.mjs': START,
    'cost.mjs': COST,
    'tsconfig.json': JSON.stringify({ compilerOptions: strict, files: ['typed.mts', 'typed.cts'] }),
    'typed.mts': `import { startMooring } from 'mooring/testing'\n${typed}`,
    'typed.cts': `import { startMooring } from 'mooring/testing'\n${typed}`,
  })
  await run({ cwd: folder, node: built.nodes[24] }, 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** Returns the checks of the consumer. */
export function testedChecks({ folder, browser }: Tested, { nodes }: Built): Check[] {
  const cache = join(folder, 'cache')
  const place: Place = { cwd: folder, node: nodes[24], env: { MOORING_CACHE_DIR: cache, CHROMIUM: browser ?? '' } }
  const passes = (name: string, program: string, args: readonly string[]): Check => [
    `mooring/testing, ${name}`,
    async () => {
      await run(place, await binOf(folder, program), args)
      return 'passed'
    },
  ]
  const types = (compiler: string): Check => [
    `mooring/testing, ${compiler}`,
    async () => {
      await run(place, 'node', [compilerOf(folder, compiler), '-p', '.'])
      return 'checked, as a module and as CommonJS'
    },
  ]
  return [
    costCheck(place, join(folder, 'cold')),
    passes('vitest', 'vitest', ['run', '--root', 'vitest', '--testTimeout', '60000']),
    passes('Jest', 'jest', ['--rootDir', 'jest', '--testTimeout', '60000']),
    browser === null
      ? ['mooring/testing, Playwright', async () => 'no Chromium here: not tried']
      : passes('Playwright', 'playwright', ['test']),
    types('typescript-5'),
    types('typescript-7'),
    licencesCheck(folder),
    ...([20, 22] as const).map(major => olderCheck({ ...place, node: nodes[major] }, { major, newest: nodes[24] })),
  ]
}

/**
 * Checks that packages bundled into an installed package, the server's and the console's, have their licences beside
 * them.
 */
function licencesCheck(folder: string): Check {
  return [
    'licences in the package',
    async () => {
      const text = await readFile(join(folder, 'node_modules/mooring/THIRD-PARTY.txt'), 'utf8')
      const named = [...text.matchAll(/^={80}\n(\S+) \d/gm)].map(([, name]) => name)
      const missing = ['@trpc/server', 'express', 'pg', 'react', 'zod'].filter(name => !named.includes(name))
      if (missing.length > 0) throw new Error(`none of ${missing.join(', ')}`)
      return `${named.length} packages`
    },
  ]
}

/** Checks that tests on an older Node can name a newer one for Mooring. */
function olderCheck(place: Place, { major, newest }: { major: number; newest: string }): Check {
  return [
    `mooring/testing on Node ${major}`,
    async () => {
      const said = await run(place, 'node', ['start.mjs']).then(() => 'started', String)
      if (!said.includes(`mooring/testing needs Node 24, and this is ${major}.`)) throw new Error(said)
      await run(place, 'node', ['start.mjs', join(newest, 'node')])
      return 'says what it needs, and starts with it'
    },
  ]
}

function costCheck(place: Place, cold: string): Check {
  return [
    'mooring/testing, a start',
    async () => {
      await mkdir(cold)
      const spent = async (cache: string) => {
        const env = { ...place.env, MOORING_CACHE_DIR: join(cold, cache) }
        return Number((await run({ ...place, env }, 'node', ['cost.mjs'])).trim())
      }
      const without = Math.min(await spent('first'), await spent('second'))
      const all: number[] = []
      for (let turn = 0; turn < RUNS; turn += 1) all.push(await spent('second'))
      const least = Math.min(...all)
      const said = `${without.toFixed(2)} s of CPU without a template (at most ${MAX_COLD}), ${least.toFixed(2)} with one (at most ${MAX_WARM})`
      if (!(without <= MAX_COLD && least <= MAX_WARM)) throw new Error(said)
      return said
    },
  ]
}

/** Prints the CPU seconds of all processes of a Mooring, including ended ones, at the time when it has started. */
const COST = `import { readdirSync, readFileSync } from 'node:fs'
import { startMooring } from 'mooring/testing'

const TICKS = 100
const mooring = await startMooring()
const processes = readdirSync('/proc').filter(name => /^\\d+$/.test(name)).flatMap(pid => {
  try {
    const stat = readFileSync(\`/proc/\${pid}/stat\`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number)
    return [{ pid: Number(pid), parent: fields[1], ticks: fields[11] + fields[12] + fields[13] + fields[14] }]
  } catch {
    return []
  }
})
const ticksBelow = parent => processes.filter(one => one.parent === parent).reduce((sum, one) => sum + one.ticks + ticksBelow(one.pid), 0)
console.log(ticksBelow(process.pid) / TICKS)
await mooring.stop()
`

const START = `import { startMooring } from 'mooring/testing'

const [, , node] = process.argv
const mooring = await startMooring(node === undefined ? {} : { node })
console.log(mooring.url)
await mooring.stop()
`

const PLAYWRIGHT_CONFIG = `const executablePath = process.env.CHROMIUM
const args = process.getuid() === 0 ? ['--no-sandbox'] : []
export default {
  testDir: 'playwright',
  reporter: 'line',
  use: { launchOptions: { executablePath, args: ['--disable-dev-shm-usage', ...args] } },
}
`
