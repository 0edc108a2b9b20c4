/**
 * A PgBouncer whose configuration its owner changes: users,
 * databases and settings, always at the same port.
 */
import { type PgBouncer, startPgBouncer } from '#test/support/database/pgbouncer.ts'

/** The deviations from a correct setup. */
export interface PoolerSetting {
  readonly settings?: Readonly<Record<string, string>>
  /** False if the login is missing from its auth_file. */
  readonly isLoginKnown?: boolean
  /** A password for the login that differs from the server's. */
  readonly password?: string
  /** Lines of [databases] for a server at this host and port; by default, it serves all databases. */
  readonly databases?: (at: string) => readonly string[]
}

/** A running PgBouncer. Changes come into force on `restart`. */
export interface Pooler {
  readonly port: number
  readonly users: Map<string, string>
  readonly databases: string[]
  readonly settings: Map<string, string>
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Starts a PgBouncer in front of a server. `users` is the content of its auth_file. */
export async function startPooler(options: {
  readonly server: string
  readonly users: ReadonlyMap<string, string>
  readonly databases: readonly string[]
  readonly settings: Readonly<Record<string, string>>
}): Promise<Pooler> {
  const users = new Map(options.users)
  const databases = [...options.databases]
  const settings = new Map(Object.entries(options.settings))
  const start = (port: number | null): Promise<PgBouncer> =>
    startPgBouncer({
      server: options.server,
      mode: 'session',
      logins: [...users].map(([user, password]) => loginUrl(user, password)),
      settings: { ...Object.fromEntries(settings), ...(port === null ? {} : { listen_port: String(port) }) },
      serves: databases.join('\n'),
    })
  let running = await start(null)
  const { port } = running
  return {
    port,
    users,
    databases,
    settings,
    async restart() {
      await running.stop()
      running = await start(port)
    },
    stop: () => running.stop(),
  }
}

function loginUrl(user: string, password: string): string {
  return `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@localhost/`
}
