/**
 * Starts web and worker in containers of the image built by `image.ts`, with a PostgreSQL: commands, the health checks
 * of the Dockerfile, a database that becomes active, and forbidden operations of a container. Called by `npm run
 * test:book`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { databaseUrl, query } from '#test/support/database/postgres.ts'
import type { Container, Image } from './image.ts'

const run = promisify(execFile)
const NOBODY = 65_534
const LOOK_MS = 300
const HEALTHY_MS = 60_000
const PASSWORD = 'container-Tell-N0-one'

/** The environment of the trial. */
export interface Trial {
  readonly image: Image
  readonly folder: string
  /** The URL of an empty database, as its owner. */
  readonly owner: string
  /** A connection string to register. */
  readonly customer: string
}

/** Throws an error for anything that is not as it should be. */
export async function tryImage({ image, folder, owner, customer }: Trial): Promise<void> {
  await using cleanup = new AsyncDisposableStack()
  const keyring = join(folder, 'image-keyring')
  await mkdir(keyring, { mode: 0o700 })
  if (process.getuid?.() === 0) await chown(keyring, NOBODY, NOBODY)
  const operator = async (...words: string[]) => {
    const env = { DATABASE_URL: owner, MOORING_KEYRING: image.isMounted ? '/run/keyring' : keyring }
    return output(image, ['node', 'server/cli.js', ...words], { env, keyring, mayWrite: true })
  }
  await operator('keyring', 'init', '--dir', image.isMounted ? '/run/keyring' : keyring)
  await operator('migrate')
  for (const tier of ['web', 'worker']) await query(owner, `create role container_${tier} login password '${PASSWORD}'`)
  await operator('db', 'grant', '--web', 'container_web', '--worker', 'container_worker', '--apply')
  const organization = await operator('org', 'create', '--name', 'Container')
  const key = await operator('keys', 'create', '--mode', 'test', '--org', organization)
  const start = (tier: 'web' | 'worker', more: Record<string, string> = {}) => {
    const url = new URL(databaseUrl(owner, new URL(owner).pathname.slice(1)))
    url.username = `container_${tier}`
    url.password = PASSWORD
    const file = image.isMounted ? `/run/keyring/${tier}.json` : join(keyring, `${tier}.json`)
    const env = { DATABASE_URL: url.href, MOORING_KEYRING: file, MOORING_ALLOWED_NETWORKS: '127.0.0.0/8', ...more }
    const child = begin(image, image.how.command.with(-1, `server/${tier}.js`), { env, keyring })
    cleanup.defer(() => void child.kill('SIGKILL'))
    return child
  }
  if (image.isMounted) await isConfined(image, keyring)
  // One at a time, because each uses the port of the image's health check.
  const alone = start('worker', { MOORING_HEALTH_PORT: '9464' })
  await healthy(image, alone, keyring)
  await ended(alone)
  const worker = start('worker', { MOORING_HEALTH_PORT: 'off' })
  const web = start('web', { PORT: '3000', MOORING_DRAIN_SECONDS: '0' })
  await healthy(image, web, keyring)
  await becomesActive(key, customer)
  for (const child of [web, worker]) await ended(child)
}

function begin(image: Image, words: readonly string[], container: Container): ChildProcess {
  const { program, args, env } = image.command(words, container)
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => said.push(String(chunk)))
  child.once('close', status => {
    if (status !== 0 && status !== null) process.stderr.write(`${words.join(' ')}: ${said.join('').slice(-2_000)}\n`)
  })
  return child
}

async function output(image: Image, words: readonly string[], container: Container): Promise<string> {
  const { program, args, env } = image.command(words, container)
  return (await run(program, args, { env })).stdout.trim()
}

/** Checks that only files in /tmp can be written, and that no privilege is left. */
async function isConfined(image: Image, keyring: string): Promise<void> {
  const program = `const fs = require('fs')
    const write = path => { try { fs.writeFileSync(path, ''); return 'written' } catch (error) { return error.code } }
    const status = fs.readFileSync('/proc/self/status', 'utf8')
    console.log(JSON.stringify([
      process.getuid(), process.getgid(), ['/mooring/x', '/mooring/server/web.js', '/x', '/run/keyring/web.json', '/tmp/x'].map(write),
      /CapEff:\\s*(\\w+)/.exec(status)[1], /CapBnd:\\s*(\\w+)/.exec(status)[1], /NoNewPrivs:\\s*(\\d)/.exec(status)[1],
    ]))`
  const found = await output(image, ['node', '-e', program], { env: {}, keyring })
  const none = '0'.repeat(16)
  const expected = [NOBODY, NOBODY, ['EROFS', 'EROFS', 'EROFS', 'EROFS', 'written'], none, none, '1']
  if (found !== JSON.stringify(expected)) throw new Error(`a container is not confined: ${found}`)
}

/** Waits until the image's own health check succeeds. */
async function healthy(image: Image, child: ChildProcess, keyring: string): Promise<void> {
  const until = performance.now() + HEALTHY_MS
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error('a container ended before it was healthy')
    const isHealthy = await output(image, image.how.health, { env: {}, keyring }).then(
      () => true,
      () => false,
    )
    if (isHealthy) return
    await delay(LOOK_MS)
  }
  throw new Error('a container was not healthy within a minute')
}

async function becomesActive(key: string, customer: string): Promise<void> {
  const answer = await fetch('http://127.0.0.1:3000/v1/datasources', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', prefer: 'wait=30' },
    body: JSON.stringify({ connectionString: customer }),
  })
  const text = await answer.text()
  if (answer.status !== 201 || JSON.parse(text).status !== 'active') throw new Error(`${answer.status} ${text}`)
}

/** Sends SIGTERM to the program itself, as an engine does; it must end with status 0. */
async function ended(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  for (const pid of await innermost(child.pid ?? 0)) process.kill(pid, 'SIGTERM')
  const [status] = await closed
  if (status !== 0) throw new Error(`a container ended with status ${status}`)
}

/** Returns the process that `unshare` started and waits for. */
async function innermost(pid: number): Promise<number[]> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
  if (!command.startsWith('unshare')) return [pid]
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children.split(' ').map(Number).filter(Boolean)
}
