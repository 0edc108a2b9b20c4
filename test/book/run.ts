/**
 * `npm run test:book`: runs the marked blocks of docs/operations.md unchanged, the alerts in a real Prometheus, and the
 * Dockerfile without an engine. If permitted, everything runs as user 65534 in a process namespace that ends with this
 * process, over a read-only installation. `-- image`, `-- alerts` or `-- steps` runs one part.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startServer } from '#test/support/database/postgres.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { makeCustomer } from '#test/support/mooring/customer.ts'
import { unpackRelease } from '#test/support/operations/former-release.ts'
import { blocksOf, scriptOf } from './blocks.ts'
import { startControl } from './control.ts'
import { buildImage } from './image.ts'
import { requirePrometheus, testAlerts } from './prometheus.ts'
import { tryImage } from './try-image.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCS = join(ROOT, 'docs')
const NOBODY = 65_534
const POSTGRES = '/usr/lib/postgresql/15/bin'
const FORMER = '0.2.0'
const isRoot = process.getuid?.() === 0
const parts = process.argv.length > 2 ? process.argv.slice(2) : ['alerts', 'steps', 'image']

/** Everything that the script starts, including daemons, ends with its namespace. */
const CONFINED = [
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  'setpriv',
  // Requested again after the change of user, which resets it.
  '--pdeathsig=SIGKILL',
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
]

/** Without a namespace: stops the processes of the shell, and PostgreSQL's daemons. */
const STOPS = `stops() {
  kill $(jobs -p) 2>/dev/null || true
  for pid in "\${PG:-/nowhere}"/*/postmaster.pid; do test ! -e "$pid" || kill -QUIT "$(head -n 1 "$pid")" || true; done
}
trap stops EXIT
trap 'echo "it fails: $BASH_COMMAND" >&2' ERR`

await using cleanup = new AsyncDisposableStack()
const folder = await mkdtemp(join(tmpdir(), 'mooring-book-'))
cleanup.defer(() => rm(folder, { recursive: true, force: true }))
await chmod(folder, 0o755)
// The customers' server is not that of the installation. It uses TLS, which a string without `sslmode` requires.
const tls = await selfSigned({ names: ['localhost'], addresses: ['127.0.0.1'] })
const server = await startServer({ major: 15, tls })
cleanup.defer(() => server.stop())
const customer = await makeCustomer(undefined, server.adminUrl)

for (const [part, test] of Object.entries({ alerts, steps, image }))
  if (parts.includes(part)) {
    const from = performance.now()
    const told = await test()
    process.stdout.write(`${part}: ${told} in ${Math.round((performance.now() - from) / 1000)} s\n`)
  }

async function alerts(): Promise<string> {
  await requirePrometheus()
  return `${await testAlerts(DOCS, folder)} cases of alerts`
}

async function steps(): Promise<string> {
  await requirePrometheus()
  const blocks = blocksOf(await readFile(join(DOCS, 'operations.md'), 'utf8'))
  const [installation, conf, pg] = ['mooring', 'conf', 'pg'].map(name => join(folder, name)) as [string, string, string]
  for (const path of [installation, conf, pg]) await mkdir(path)
  for (const path of [conf, pg]) {
    await chmod(path, 0o700)
    if (isRoot) await chown(path, NOBODY, NOBODY)
  }
  const release = await unpackRelease(FORMER)
  cleanup.defer(() => release.remove())
  await chmod(release.dir, 0o755)
  const control = await startControl(cleanup, {
    docs: DOCS,
    folder,
    keyring: join(conf, 'keyring'),
    webs: ['http://127.0.0.1:13000', 'http://127.0.0.1:23000'],
    targets: ['127.0.0.1:19464', '127.0.0.1:19465'],
  })
  const { PATH = '', HOME = folder } = process.env
  const env = {
    PATH: `${dirname(process.execPath)}:${POSTGRES}:${PATH}:/usr/sbin`,
    HOME: conf,
    ...{ INSTALLATION: installation, CONF: conf, PG: pg, DOCS, FORMER: release.dir, CONTROL: control },
    ...{ PRIMARY: '25432', STANDBY: '25433', POOLER: '26432', BALANCER: '5', CUSTOMER: customer.url() },
    ...{ SUPERUSER_PASSWORD: 'superuser-Tell-N0-one', OWNER_PASSWORD: 'owner-Tell-N0-one' },
    ...{ WEB_PASSWORD: 'web-Tell-N0-one', WORKER_PASSWORD: 'worker-Tell-N0-one' },
    ...{ REPLICA_PASSWORD: 'replica-Tell-N0-one', POOLER_PASSWORD: 'pooler-Tell-N0-one' },
    // The customer's database is on this machine; the test's balancer checks once a second.
    ...{ MOORING_ALLOWED_NETWORKS: '127.0.0.0/8', MOORING_DRAIN_SECONDS: '3' },
  }
  const install = blocks.filter(({ mark }) => mark === 'install').map(({ text }) => text)
  await bash(install.join('\n'), { ...process.env, ...env, HOME })
  await bash('chmod -R a-w,a+rX "$INSTALLATION"', env)
  await bash(scriptOf(blocks), env, { conf, isConfined: isRoot })
  return `${blocks.length} steps of docs/operations.md${isRoot ? ' as user 65534' : ''}`
}

async function image(): Promise<string> {
  const built = await buildImage(ROOT, folder)
  // Not the customers' server, because an installation never dials its own.
  const own = await startServer({ major: 15 })
  cleanup.defer(() => own.stop())
  const owner = await own.createDatabase('containers')
  await tryImage({ image: built, folder, owner, customer: customer.url() })
  return built.isMounted
    ? 'the image’s layout as a read-only root'
    : 'the image’s layout (no namespaces: modes of files)'
}

async function bash(
  script: string,
  env: NodeJS.ProcessEnv,
  options: { conf?: string; isConfined?: boolean } = {},
): Promise<void> {
  const words = ['bash', '-euo', 'pipefail', '-c', `${STOPS}\n${script}`]
  const [program = '', ...args] =
    options.isConfined === true ? ['setpriv', '--pdeathsig=SIGKILL', 'unshare', ...CONFINED, ...words] : words
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] })
  const [status] = await once(child, 'close')
  if (status === 0) return
  const { conf } = options
  if (conf !== undefined) {
    const { stdout } = await promisify(execFile)('sh', ['-c', 'tail -n 4 "$0"/*.log | cut -c 1-600', conf]).catch(
      () => ({ stdout: '' }),
    )
    process.stderr.write(stdout)
  }
  throw new Error(`a step of docs/operations.md ended with status ${status}`)
}
