/**
 * A real PgBouncer in front of a test server, on 127.0.0.1, in a temporary folder, as an account without privileges. It
 * uses only the distribution's program and nothing else of its package.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { choosePort } from '#server/standalone/embedded/port.ts'
import { chooseIdentity, tether } from '#server/standalone/embedded/process.ts'

const PROGRAM = ['/usr/sbin/pgbouncer', '/usr/local/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'].find(path =>
  existsSync(path),
)

/** False if the program is not installed. */
export const hasPgBouncer = PROGRAM !== undefined

/** The values of `pool_mode`. */
export type PoolMode = 'session' | 'transaction' | 'statement'

/** A running pooler. */
export interface PgBouncer {
  readonly port: number
  /** The same database, role and password through the pooler. */
  through(url: string): string
  stop(): Promise<void>
}

/** The options of a pooler. `logins` are connection strings whose roles it accepts; `settings` are lines of its ini. */
export interface PgBouncerOptions {
  readonly server: string
  readonly mode: PoolMode
  readonly logins: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
  /** The line of its databases; by default every database of the server. */
  readonly serves?: string
}

/** Starts a pooler and resolves when it accepts connections. */
export async function startPgBouncer(pgBouncerOptions: PgBouncerOptions): Promise<PgBouncer> {
  if (PROGRAM === undefined) throw new Error('pgbouncer is not installed')
  const dir = await mkdtemp(join(tmpdir(), 'mooring-pgbouncer-'))
  // The pooler runs under another account than root.
  await chmod(dir, 0o755)
  const port = await choosePort(join(dir, 'port'))
  await writeFile(join(dir, 'users.txt'), users(pgBouncerOptions.logins))
  await writeFile(join(dir, 'pgbouncer.ini'), ini(pgBouncerOptions, { dir, port }))
  const child = await run(PROGRAM, join(dir, 'pgbouncer.ini'))
  return {
    port,
    through: url => {
      const way = new URL(url)
      way.port = String(port)
      return way.href
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'close')
        child.kill('SIGKILL')
        await ended
      }
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function users(logins: readonly string[]): string {
  const lines = logins.map(login => {
    const { username, password } = new URL(login)
    return `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`
  })
  return lines.join('')
}

function ini({ server, mode, settings, serves }: PgBouncerOptions, at: { dir: string; port: number }): string {
  const target = new URL(server)
  const options = {
    listen_addr: '127.0.0.1',
    listen_port: String(at.port),
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(at.dir, 'users.txt'),
    pool_mode: mode,
    max_client_conn: '200',
    default_pool_size: '20',
    ...settings,
  }
  const lines = Object.entries(options).map(([name, value]) => `${name} = ${value}\n`)
  const databases = serves ?? `* = host=${target.hostname} port=${target.port}`
  return `[databases]\n${databases}\n[pgbouncer]\n${lines.join('')}`
}

async function run(program: string, ini: string): Promise<ChildProcess> {
  const identity = await chooseIdentity(ini)
  const [first = program, ...rest] = [...identity.prefix, ...(await tether()), program, ini]
  const account = identity.uid === undefined ? {} : { uid: identity.uid, gid: identity.gid ?? identity.uid }
  const child = spawn(first, rest, { ...account, stdio: ['ignore', 'ignore', 'pipe'] })
  const { promise: isUp, resolve, reject } = Promise.withResolvers<void>()
  const lines: string[] = []
  // Read to the end, or a full pipe would stop it.
  createInterface(child.stderr).on('line', line => {
    lines.push(line)
    if (line.includes('process up')) resolve()
  })
  child.once('error', reject)
  child.once('close', () => reject(new Error(`pgbouncer ended:\n${lines.join('\n')}`)))
  await isUp
  return child
}
