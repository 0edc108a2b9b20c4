/**
 * `mooring/testing`: a whole Mooring for a test, in a process of its own that ends with the test's, however that ends.
 * It runs in other people's test processes: it imports nothing but Node's own modules, and never passes their
 * environment on. docs/testing.md shows how to use it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** An organization with an API key for each mode. Both keys have every scope except `datasources.lease`. */
export interface TestOrganization {
  /** A UUID; `org_` and its 32 hex digits name it in answers. */
  readonly organizationId: string
  /** `sk_test_…`. It can read both modes and change datasources of the mode `test`. */
  readonly testKey: string
  /** `sk_live_…`. It can read both modes and change datasources of the mode `live`. */
  readonly liveKey: string
}

/**
 * Connection strings of PostgreSQL databases with one defect each (`postgresql://…` on loopback), and the fault that
 * Mooring reports for each. docs/testing.md has a table with the failing checks.
 */
export interface TestDatabases {
  /** The role is a superuser: `byo_role_cannot_enforce_rls`. */
  readonly superuser: string
  /** The role can become a superuser: `byo_role_cannot_enforce_rls`. */
  readonly memberOfSuperuser: string
  /** The role has BYPASSRLS: `byo_role_cannot_enforce_rls`. */
  readonly bypassRls: string
  /** The role has REPLICATION: `byo_role_cannot_enforce_rls`. */
  readonly replication: string
  /** The role may run programs on the server: `byo_role_cannot_enforce_rls`. */
  readonly serverPrograms: string
  /** `authentication_failed`. */
  readonly wrongPassword: string
  /** The role is past its VALID UNTIL: `authentication_failed`. */
  readonly expiredRole: string
  /** The role has NOLOGIN: `authentication_failed`. */
  readonly noLogin: string
  /** `pg_hba.conf` rejects it: `authentication_failed`. */
  readonly rejectedAddress: string
  /** `pg_hba.conf` requires no password: `authentication_unsafe`. */
  readonly trusted: string
  /** `pg_hba.conf` requires a clear-text password: `authentication_unsafe`. */
  readonly clearPassword: string
  /** `sslmode=verify-full` with a certificate of an unknown CA: `tls_failed`. */
  readonly untrustedCertificate: string
  /** The server has no TLS: `tls_failed`. */
  readonly withoutTls: string
  /** `database_not_found`. */
  readonly missingDatabase: string
  /** The role may not connect to it: `database_not_found`. */
  readonly closedDatabase: string
  /** The role's connection limit is reached: `database_unreachable`, which is retried. */
  readonly connectionLimit: string
  /** Nothing listens there: `database_unreachable`, which is retried. */
  readonly unreachable: string
  /** The server accepts the connection and never answers: `database_unreachable`, which is retried. */
  readonly silent: string
  /** A web server: `server_misbehaved`. */
  readonly webServer: string
  /** A standby: active, with the advisory `standby`. It starts at the first connection. */
  readonly standby: string
  /** A private address: refused at once, `byo_host_not_allowed`. */
  readonly forbiddenHost: string
}

/** A running Mooring with its own organization. Its keys, databases and data exist only until it stops. */
export interface TestMooring extends TestOrganization {
  /** The base address, `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string
  /** The connection string of a database that passes every check. */
  readonly sample: string
  readonly databases: TestDatabases
  /**
   * Creates another organization, which cannot see the first. `name` has 1 to 200 characters.
   *
   * @throws an `Error` with the reason if the name is refused, or if Mooring has ended
   */
  newOrganization(name?: string): Promise<TestOrganization>
  /**
   * Stops it, within 30 seconds, and waits until its processes and its folder are gone. A second call does nothing.
   *
   * @throws an `Error` with its last output if it had to be killed or ended with an error
   */
  stop(): Promise<void>
}

/** The options of `startMooring`; all are optional. */
export interface StartOptions {
  /**
   * Settings from docs/settings.md. Those that name a database, a folder, a keyring or an address are ignored. From
   * your own environment, only `PATH`, `HOME`, `TMPDIR` and the names of the cache folder are passed on.
   */
  readonly env?: Readonly<Record<string, string>>
  /**
   * Receives each line of its log (JSON, without a line break), which contains no secrets. `MOORING_LOG_LEVEL` is `warn`
   * unless `env` overrides it.
   */
  readonly log?: (line: string) => void
  /** The path of a Node of version 24 or newer, if the tests run on an older one. Default: the Node of this process. */
  readonly node?: string
}

const MAIN = 'main.ts'
const OLDEST_NODE = 24
const MAX_SAID = 4_000
const STOP_MS = 30_000
/** The environment variables with which a process finds its programs and folders. */
const PASSED = /^(PATH|HOME|TMPDIR|XDG_CACHE_HOME|MOORING_CACHE_DIR)$/

/**
 * Starts a Mooring on free ports and in a temporary folder. Any number can run side by side.
 *
 * @throws an `Error` with its last output if it does not start; nothing is left then.
 */
export async function startMooring(options: StartOptions = {}): Promise<TestMooring> {
  const { node = process.execPath } = options
  if (options.node === undefined && Number.parseInt(process.versions.node, 10) < OLDEST_NODE)
    throw new Error(
      `mooring/testing needs Node ${OLDEST_NODE}, and this is ${process.versions.node}: name another one in its option \`node\`.`,
    )
  const main = fileURLToPath(new URL(MAIN, import.meta.url))
  const child = spawn(node, ['--disable-sigusr1', main, '--json'], {
    env: environmentOf(options),
    // In its own process group: whatever kills the tests' group lets it clean up.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const conversation = new Conversation(child, options.log ?? (() => undefined))
  // Its first line; the process itself validates its content.
  const started = (await conversation.next()) as TestOrganization & Pick<TestMooring, 'url' | 'sample' | 'databases'>
  return {
    ...started,
    // The reply to an order has this shape, or contains the error.
    newOrganization: (name = 'Another') => conversation.ask({ newOrganization: name }) as Promise<TestOrganization>,
    stop: () => conversation.end(),
  }
}

function environmentOf({ env }: StartOptions): NodeJS.ProcessEnv {
  const passed = Object.entries(process.env).filter(([name]) => PASSED.test(name))
  const surroundings: NodeJS.ProcessEnv = Object.fromEntries(passed)
  const { HOME, XDG_CACHE_HOME, MOORING_CACHE_DIR } = { ...surroundings, ...env }
  const cache = MOORING_CACHE_DIR ?? XDG_CACHE_HOME ?? (HOME === undefined ? undefined : join(HOME, '.cache'))
  // Half of the startup time would be spent compiling the same code again. Node does without if it cannot write there.
  const compiled = cache === undefined ? {} : { NODE_COMPILE_CACHE: join(cache, 'mooring', 'compiled') }
  return { ...surroundings, ...compiled, ...env }
}

/**
 * The dialogue with the process: each line of JSON gets one line of JSON in reply. It does not keep the caller's
 * process alive.
 */
class Conversation {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #ended: Promise<number | null>
  #said = ''
  #before: Promise<unknown> = Promise.resolve()

  constructor(child: ChildProcess, log: (line: string) => void) {
    const { stdin, stdout, stderr } = child
    if (stdin === null || stdout === null || stderr === null) throw new Error('The process has no pipes.')
    this.#child = child
    this.#ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
    // A process that cannot be started has no end event; the error reaches the code that waits for a line.
    this.#ended.catch((error: unknown) => {
      this.#said = String(error)
    })
    stdin.on('error', () => undefined)
    this.#lines = createInterface(stdout)[Symbol.asyncIterator]()
    const said: Interface = createInterface(stderr)
    said.on('line', line => {
      this.#said = `${this.#said}${line}\n`.slice(-MAX_SAID)
      log(line)
    })
  }

  /** Its next line. Throws with its last output if it has ended. */
  async next(): Promise<unknown> {
    this.#hold(true)
    try {
      const { value, done } = await this.#lines.next()
      if (done !== true) return JSON.parse(value)
    } finally {
      this.#hold(false)
    }
    await this.#ended.catch(() => undefined)
    throw new Error(`Mooring has ended: ${this.#said.trim()}`)
  }

  /** Its reply to an order; orders are sent one after the other. */
  async ask(order: object): Promise<unknown> {
    const answer = this.#before.then(async () => {
      this.#child.stdin?.write(`${JSON.stringify(order)}\n`)
      const said = await this.next()
      const error: unknown = Reflect.get(Object(said), 'error')
      if (typeof error === 'string') throw new Error(error)
      return said
    })
    this.#before = answer.catch(() => undefined)
    return answer
  }

  /** Closes its input, which makes it end, and waits for that. */
  async end(): Promise<void> {
    this.#hold(true)
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    const code = await this.#ended
    clearTimeout(timer)
    if (code !== 0) throw new Error(`Mooring did not stop cleanly: ${this.#said.trim()}`)
  }

  #hold(isWaited: boolean): void {
    const held = [this.#child, this.#child.stdin, this.#child.stdout, this.#child.stderr]
    for (const one of held) {
      const change: unknown = Reflect.get(Object(one), isWaited ? 'ref' : 'unref')
      if (typeof change === 'function') change.call(one)
    }
  }
}
