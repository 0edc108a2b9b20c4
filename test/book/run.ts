/**
 * `npm run test:book`: runs the marked blocks of docs/operations.md as they stand there: `sh install` in the checkout, then all
 * `sh book` in one shell, on a PostgreSQL 15 of its own. Where it may, it runs them as user 65534 over an installation that is
 * read-only, which is how the image of the Dockerfile runs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startServer } from '#test/support/database/postgres.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NOBODY = 65_534
const STOPS = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"

await using cleanup = new AsyncDisposableStack()
const book = await readFile(join(ROOT, 'docs/operations.md'), 'utf8')
const blocks = (mark: string) =>
  [...book.matchAll(new RegExp(`^\`\`\`sh ${mark}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text ?? '')
const [installs, steps] = [blocks('install'), blocks('book')]
if (installs.length === 0 || steps.length < 8) throw new Error('docs/operations.md has lost its steps')
const isRoot = process.getuid?.() === 0
const folder = await mkdtemp(join(tmpdir(), 'mooring-book-'))
cleanup.defer(() => rm(folder, { recursive: true, force: true }))
await chmod(folder, 0o755)
const [installation, conf] = [join(folder, 'mooring'), join(folder, 'conf')]
for (const path of [installation, conf]) await mkdir(path)
await chmod(conf, 0o700)
if (isRoot) await chown(conf, NOBODY, NOBODY)
const server = await startServer({ major: 15 })
cleanup.defer(() => server.stop())
const owner = await server.createDatabase('mooring')
const { PATH = '' } = process.env
const env = {
  PATH: `${dirname(process.execPath)}:${PATH}`,
  HOME: conf,
  OWNER: owner,
  DATABASE: owner.replace(/^.*@/, ''),
  INSTALLATION: installation,
  CONF: conf,
  WEB_PASSWORD: 'web-Tell-N0-one',
  WORKER_PASSWORD: 'worker-Tell-N0-one',
  MOORING_DRAIN_SECONDS: '0',
}

await run(installs.join('\n'), { ...process.env, ...env, HOME: process.env['HOME'] ?? folder }, false)
await run('chmod -R a-w,a+rX "$INSTALLATION"', env, false)
const told = steps.map((text, at) => `echo "step ${at + 1} of ${steps.length}"\n${text}`)
await run([STOPS, ...told].join('\n'), env, isRoot)
process.stdout.write(`${steps.length} steps of docs/operations.md, ${isRoot ? 'as user 65534' : 'as this user'}\n`)

async function run(script: string, environment: NodeJS.ProcessEnv, asNobody: boolean): Promise<void> {
  const user = asNobody ? { uid: NOBODY, gid: NOBODY } : {}
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: ROOT,
    env: environment,
    stdio: 'inherit',
    ...user,
  })
  const [status] = await once(child, 'close')
  if (status !== 0) {
    const log = (tier: string) => readFile(join(conf, `${tier}.log`), 'utf8').catch(() => '')
    process.stderr.write(`${(await log('worker')).slice(-2_000)}\n${(await log('web')).slice(-2_000)}\n`)
    throw new Error(`a step of docs/operations.md ended with status ${status}`)
  }
}
