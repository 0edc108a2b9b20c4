/**
 * A PgBouncer whose configuration its owner changes: users, databases and settings, at one port for good.
 */
import { type PgBouncer, startPgBouncer } from '#test/support/database/pgbouncer.ts'

/** How one is set up, where it is not as it should be. */
export interface PoolerSetting {
  readonly settings?: Readonly<Record<string, string>>
  /** Whether its auth_file has the login; else it knows nobody. */
  readonly isLoginKnown?: boolean
  /** Another password of the login than the server's. */
  readonly password?: string
  /** Lines of [databases] for a server at this host and port; by default all are served. */
  readonly databases?: (at: string) => readonly string[]
}

/** A running one. Changes come into force by `restart`. */
export interface Pooler {
  readonly port: number
  readonly users: Map<string, string>
  readonly databases: string[]
  readonly settings: Map<string, string>
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Starts one before a server. `users` are its auth_file. */
export async function startPooler(of: {
  readonly server: string
  readonly users: ReadonlyMap<string, string>
  readonly databases: readonly string[]
  readonly settings: Readonly<Record<string, string>>
}): Promise<Pooler> {
  const users = new Map(of.users)
  const databases = [...of.databases]
  const settings = new Map(Object.entries(of.settings))
  const start = (port: number | null): Promise<PgBouncer> =>
    startPgBouncer({
      server: of.server,
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
