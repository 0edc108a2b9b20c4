/**
 * The checks of an installed consumer, each with a result of a few words. A failing check throws an `Error` that
 * describes the failure.
 */
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Browser } from 'playwright-core'
import { type Place, run, started } from './commands.ts'
import type { Built, Installed } from './ways.ts'

/** A running server, with a key and the connection string of the sample database. */
export interface Server {
  readonly url: string
  readonly key: string
  readonly sample: string
  stop(): Promise<void>
}

/** One check: its consumer, and its function. */
export type Check = readonly [consumer: string, check: () => Promise<string>]

/** Starts the installed server as its command does, in local mode, for pages of these origins. */
export async function startServer(
  { ops }: Installed,
  { nodes, dataDir, origins }: { nodes: Built['nodes']; dataDir: string; origins: readonly string[] },
): Promise<Server> {
  const env = {
    PORT: '0',
    MOORING_DATA_DIR: dataDir,
    MOORING_CORS_ORIGINS: origins.join(','),
    MOORING_HEALTH_PORT: 'off',
  }
  const place = { cwd: ops, node: nodes[24], env }
  const { said, stop } = await started(
    place,
    [await binOf(ops, 'mooring'), 'start'],
    /"port":\d+,"msg":"web and worker/,
  )
  const [, port] = /"port":(\d+),"msg":"web and worker/.exec(said) ?? []
  const [, key = ''] = /test\s+(sk_test_\w+)/.exec(said) ?? []
  const [, sample = ''] = /"connectionString":"([^"]+)"/.exec(said) ?? []
  return { url: `http://127.0.0.1:${port}`, key, sample, stop }
}

/**
 * Checks that the server's programs report a Node that is too old in one sentence, as a unit or an image starts them.
 */
export function oldNodeChecks({ ops }: Installed, { nodes }: Built): Check[] {
  const server = join(dirname(createRequire(join(ops, 'package.json')).resolve('mooring/package.json')), 'server')
  return ([20, 22] as const).map(
    (major): Check => [
      `server on Node ${major}`,
      async () => {
        for (const name of ['main', 'web', 'worker', 'cli', 'mooring']) {
          const said = await run({ cwd: ops, node: nodes[major] }, 'node', [join(server, `${name}.js`)]).catch(String)
          if (!/: Mooring requires Node 24 or newer, and this is Node \d+\.\d+\.\d+\. Install it from \S+$/.test(said))
            throw new Error(`${name}.js: ${said}`)
        }
        return 'refused in one sentence'
      },
    ],
  )
}

/**
 * Returns the path of a consumer's program, either beside it or at the top of the workspace, depending on the package
 * manager.
 */
export async function binOf(folder: string, name: string): Promise<string> {
  for (const at of [folder, dirname(dirname(folder))]) {
    const path = join(at, 'node_modules/.bin', name)
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  throw new Error(`${folder} has no program ${name}`)
}

/** Returns the compiler that a consumer has under a name. */
export function compilerOf(folder: string, name: string): string {
  return join(dirname(createRequire(join(folder, 'package.json')).resolve(`${name}/package.json`)), 'bin/tsc')
}

/** Returns the checks of a program that TypeScript emits. */
export function apiChecks({ api }: Installed, { nodes }: Built, server: Server): Check[] {
  const env = { MOORING_URL: server.url, MOORING_KEY: server.key, SAMPLE: server.sample }
  const place: Place = { cwd: api, node: nodes[24], env }
  const types = (compiler: string, config: string): Check => [
    `program, ${compiler}, ${config}`,
    async () => {
      await run(place, 'node', [compilerOf(api, compiler), '-p', `tsconfig.${config}.json`])
      // Other packages' declarations may have errors; those of the client have none.
      const strict = ['-p', `tsconfig.${config}.json`, '--noEmit', '--skipLibCheck', 'false']
      const said = await run(place, 'node', [compilerOf(api, compiler), ...strict]).catch(String)
      const wrong = said.split('\n').filter(line => line.includes('mooring-client') && line.includes('error TS'))
      if (wrong.length > 0) throw new Error(wrong.join('\n'))
      return config === 'nodenext' ? 'emitted' : 'checked'
    },
  ]
  const runs = ([20, 22, 24] as const).map(
    (major): Check => [
      `program on Node ${major}`,
      async () => {
        const answer = await run({ ...place, node: nodes[major] }, 'node', ['dist/index.js'])
        const expected = ['active', '127.0.0.1', 'entity_not_found', /verifyKeys/, 401]
        const said: unknown = JSON.parse(answer.trim().split('\n').at(-1) ?? '')
        const isExpected = (value: unknown, at: number) =>
          expected[at] instanceof RegExp ? expected[at].test(String(value)) : value === expected[at]
        if (!Array.isArray(said) || said.length !== expected.length || !said.every(isExpected)) throw new Error(answer)
        return 'registered, refused, signed'
      },
    ],
  )
  const compilers = ['typescript-5', 'typescript-7']
  return [...compilers.flatMap(name => [types(name, 'bundler'), types(name, 'nodenext')]), ...runs]
}

/** Returns the checks of Vite's template. `ports` are those of its pages, which the server accepts as origins. */
export function webChecks(
  { web }: Installed,
  { nodes }: Built,
  { server, browser, ports }: { server: Server; browser: Browser | null; ports: readonly [number, number] },
): Check[] {
  const env = { VITE_MOORING_URL: server.url, VITE_MOORING_KEY: server.key }
  const place: Place = { cwd: web, node: nodes[24], env }
  const shows = async (words: readonly string[], port: number) => {
    const page = await started(place, [...words, '--port', String(port), '--strictPort'], /Local:/)
    try {
      return await pageSays(browser, `http://localhost:${port}/`)
    } finally {
      await page.stop()
    }
  }
  return [
    [
      "Vite's React template, build",
      async () => {
        await run(place, 'npm', ['run', 'build'])
        return 'typed and bundled'
      },
    ],
    [
      "Vite's React template, typescript-5",
      async () => {
        await run(place, 'node', [compilerOf(web, 'typescript-5'), '-p', 'tsconfig.app.json'])
        return 'checked'
      },
    ],
    ['Vite, what was built, in Chromium', async () => shows([await binOf(web, 'vite'), 'preview'], ports[0])],
    ['Vite, dev, in Chromium', async () => shows([await binOf(web, 'vite')], ports[1])],
    ...programChecks(web, place),
  ]
}

/** Returns the checks of the template's code outside a page. */
function programChecks(web: string, place: Place): Check[] {
  return [
    [
      'server-side rendering',
      async () => {
        await run(place, await binOf(web, 'vite'), ['build', '--ssr', 'src/entry-server.tsx', '--outDir', 'dist-ssr'])
        return rendered(await run(place, 'node', ['dist-ssr/entry-server.js']))
      },
    ],
    [
      'vitest',
      async () => {
        await run(place, await binOf(web, 'vitest'), ['run'])
        return 'passed'
      },
    ],
  ]
}

async function pageSays(browser: Browser | null, url: string): Promise<string> {
  if (browser === null) return 'no Chromium here: not looked at'
  const page = await browser.newPage()
  try {
    await page.goto(url)
    return rendered(await page.locator('li', { hasText: 'chandlery' }).first().innerHTML())
  } finally {
    await page.close()
  }
}

function rendered(html: string): string {
  const text = html.replace(/<!-- -->|<[^>]*>/g, '')
  if (!/chandlery: active/.test(text)) throw new Error(`the page does not list the database: ${text.slice(0, 500)}`)
  return 'lists the database'
}

/** Checks that a page and its client share one tRPC, because the types of two would not match. */
export function oneTrpcCheck({ web }: Installed): Check {
  return [
    'one tRPC in the page',
    async () => {
      const page = createRequire(join(web, 'package.json'))
      // A linked client resolves its peers from its own location.
      const client = createRequire(page.resolve('mooring-client/package.json'))
      const places = [page, client].map(from => from.resolve('@trpc/client'))
      if (places[0] !== places[1]) throw new Error(`two: ${places.join(', ')}`)
      return 'one copy'
    },
  ]
}

/** Checks the other package of a workspace, whose scripts must run on the installed Node, here 22. */
export function otherChecks({ other }: Installed, { nodes }: Built): Check[] {
  return [
    [
      'another package of the workspace',
      async () => {
        const version = (await run({ cwd: other, node: nodes[22] }, 'npm', ['run', '-s', 'which'])).trim()
        if (!version.startsWith('22.')) throw new Error(`its scripts run on Node ${version}`)
        return 'keeps its own Node'
      },
    ],
  ]
}
