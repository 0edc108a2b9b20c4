/**
 * The pool of connections to our own database. It tries each host that `DATABASE_URL` names, checks each session,
 * limits its lifetime and shares connections fairly between organizations; any connection may break without ending the
 * process.
 */
import type { PostgresPool } from 'kysely'
import pg from 'pg'
import type { OwnDatabase } from '#server/domain/network/database-url.ts'
import { NoConnection, OrganizationBusy } from './availability.ts'
import { OwnPlaces } from './database-addresses.ts'
import { CLIENT_DEADLINE_MS } from './deadlines.ts'
import { Lanes } from './lanes.ts'
import { destroySocket, type Watching, watchConnection, withinDeadline } from './own-connection.ts'
import { createShares, type Shares } from './shares.ts'
import { statementScope } from './statement.ts'

const END_MS = 1_000
const KEEPALIVE_MS = 10_000
const SHARE_WAIT_MS = 2_000
/** A connection's lifetime: long enough to be cheap, short enough to leave a server that was replaced behind a name. */
const LIFE_SECONDS = 1_800
const LIFE_SPREAD = 0.2

/** The maximum number of connections that one organization holds: half of the pool, so that others are served. */
export const shareOf = (size: number): number => Math.max(1, Math.floor(size / 2))

/** Options for opening a pool. */
export interface PoolOptions extends Watching {
  readonly database: OwnDatabase
  readonly size: number
  /** The maximum number of extra connections for reads. */
  readonly lanes: number
  /** How long a caller waits for a connection, new or reused. */
  readonly connectMs: number
  /** Statements for each new connection, such as deadlines that the role does not set. */
  readonly settings: readonly string[]
  readonly types?: pg.CustomTypesConfig
  /** Called for every connection that breaks, in use or idle. */
  readonly onError: (error: Error) => void
}

/**
 * A pool in the form that Kysely takes, and lanes if there are any. Ending the pool also ends the lanes, within a
 * second.
 */
export interface Connections {
  readonly pool: PostgresPool
  readonly lanes: Lanes | null
}

/** Opens the pool; lanes are opened when they are needed. */
export function openPool(options: PoolOptions): Connections {
  const { database, size, connectMs } = options
  const places = new OwnPlaces(database, Math.random)
  const spoiled: Spoiled = new WeakMap()
  const settings = {
    connectionTimeoutMillis: (database.connectTimeoutSeconds ?? 0) * 1000 || connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    Client: clientOf(places),
    ...(options.types === undefined ? {} : { types: options.types }),
  }
  const pool = new pg.Pool({ ...settings, max: size, onConnect: client => prepareSession(client, places, options) })
  // Computed for each connection, so that those opened together do not expire together.
  Object.defineProperty(pool.options, 'maxLifetimeSeconds', { get: lifeSeconds })
  watchAll(pool, spoiled, options)
  options.observer.pool(pool, size)
  // Emitted only for idle connections, after the connection's own event.
  pool.on('error', () => undefined)
  const shares = createShares({ each: shareOf(size), waitMs: SHARE_WAIT_MS })
  const lanes = openLanes({ settings, places, options })
  return {
    lanes: lanes?.lanes ?? null,
    pool: {
      options: pool.options,
      connect: () =>
        options.observer.wait(() => connectFairly(() => connect(pool, places), { places, shares, spoiled })),
      end: async () => {
        await lanes?.end()
        await endOf(pool)
      },
    },
  }
}

const lifeSeconds = () => LIFE_SECONDS * (1 - LIFE_SPREAD / 2 + LIFE_SPREAD * Math.random())

/** A read in a lane is planned once: all of them are index look-ups, whatever the values. */
const GENERIC_PLANS = 'set plan_cache_mode = force_generic_plan'

/** Lanes over dedicated connections that do not count towards the organizations' shares: none of them waits. */
function openLanes({
  settings,
  places,
  options,
}: {
  settings: pg.PoolConfig
  places: OwnPlaces
  options: PoolOptions
}) {
  if (options.lanes === 0) return null
  const prepared = { ...options, settings: [...options.settings, GENERIC_PLANS] }
  // `pipeline` is newer than the driver's types.
  const pipelined = { ...settings, pipeline: true, max: options.lanes }
  const pool = new pg.Pool({ ...pipelined, onConnect: client => prepareSession(client, places, prepared) })
  pool.on('connect', client => client.on('error', options.onError))
  pool.on('error', () => undefined)
  const lanes = new Lanes({
    open: () => connect(pool, places),
    size: options.lanes,
    deadlineMs: options.deadlineMs ?? CLIENT_DEADLINE_MS,
    lifeMs: () => lifeSeconds() * 1000,
    observer: options.observer,
  })
  return {
    lanes,
    end: async () => {
      await lanes.close()
      await endOf(pool)
    },
  }
}

/** Connections that are closed when they are released, and why. */
type Spoiled = WeakMap<object, 'read-only' | 'broken'>

/** Watches each connection, and destroys idle ones when another gets no answer. */
function watchAll(pool: pg.Pool, spoiled: Spoiled, options: PoolOptions): void {
  const idle = new Set<pg.PoolClient>()
  const answeredAt = new WeakMap<object, number>()
  pool.on('connect', client => {
    // The driver emits this on the connection; without a listener Node would end the process, in the middle of another
    // request.
    client.on('error', options.onError)
    watchConnection(client, {
      ...options,
      onReadOnly: () => spoiled.set(client, 'read-only'),
      onBroken: () => spoiled.set(client, 'broken'),
      onAnswer: () => answeredAt.set(client, performance.now()),
      // The server may have vanished: connections idle since then are dead too, and each would cost the same wait.
      onSilence: sinceMs => {
        for (const other of idle) if ((answeredAt.get(other) ?? 0) < sinceMs) destroySocket(other)
      },
    })
  })
  pool.on('acquire', client => idle.delete(client))
  pool.on('release', (_, client) => idle.add(client))
  pool.on('remove', client => idle.delete(client))
}

/** A driver client for the current address; if it fails, the pool moves on to the next address. */
function clientOf(places: OwnPlaces): new (config?: pg.ClientConfig) => pg.Client {
  return class extends pg.Client {
    constructor(config: pg.ClientConfig = {}) {
      const attempt = places.current()
      super({ ...config, ...places.options(attempt) })
      places.tried(this, attempt)
    }

    override connect(): Promise<pg.Client>
    override connect(callback: (error: Error) => void): void
    override connect(callback?: (error: Error) => void): Promise<pg.Client> | undefined {
      if (callback === undefined) return super.connect()
      super.connect((error: Error) => {
        if (error) places.failed(this)
        callback(error)
      })
      return undefined
    }
  }
}

/** A connection at the first address that accepts one in time. Throws `NoConnection`. */
async function connect(pool: pg.Pool, places: OwnPlaces): Promise<pg.PoolClient> {
  const startedAt = performance.now()
  for (let tries = 1; ; tries += 1) {
    try {
      return await pool.connect()
    } catch (error) {
      const isOver = performance.now() - startedAt >= (pool.options.connectionTimeoutMillis ?? 0)
      if (tries >= places.size || isOver) throw isRefusal(error) ? error : new NoConnection(error)
    }
  }
}

/** True if the server refused a login: its words are for the log and the operator, not for callers. */
function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(28|3D|42)/.test(error.code ?? '')
}

/** Counts the connection towards the organization of the running call until it is released. */
async function connectFairly(
  take: () => Promise<pg.PoolClient>,
  { places, shares, spoiled }: { places: OwnPlaces; shares: Shares; spoiled: Spoiled },
): Promise<pg.PoolClient> {
  const scope = statementScope()
  const org = scope === undefined || scope.held > 0 ? null : scope.organizationId
  const giveBack = org === null ? null : await shares.take(org)
  if (giveBack === undefined) throw new OrganizationBusy()
  let client: pg.PoolClient
  try {
    client = await take()
  } catch (error) {
    giveBack?.()
    throw error
  }
  if (scope !== undefined) scope.held += 1
  const release = client.release
  client.release = destroy => {
    if (scope !== undefined) scope.held -= 1
    giveBack?.()
    // A demoted server still accepts connections: leave it for the next address.
    if (spoiled.get(client) === 'read-only') places.failed(client)
    // The library itself passes false if it has no reason to close the connection.
    release.call(client, destroy || spoiled.has(client))
  }
  return client
}

/** Applies the settings that the role lacks, and rejects a server that does not fit what `DATABASE_URL` asks for. */
async function prepareSession(client: pg.ClientBase, places: OwnPlaces, options: PoolOptions): Promise<void> {
  const { database, settings, connectMs } = options
  await withinDeadline(client, { usualMs: connectMs }, async () => {
    for (const statement of settings) await client.query(statement)
    if (database.session === 'any') return
    const { rows } = await client.query(`select ${UNFIT[database.session]} as unfit`)
    if (rows[0]?.unfit === false) return
    places.failed(client)
    throw new NoConnection(new Error(`the server is not ${database.session}, as target_session_attrs asks`))
  })
}

/** Conditions that must be false for a session. */
const UNFIT = {
  primary: 'pg_is_in_recovery()',
  'read-write': "current_setting('transaction_read_only') = 'on'",
} as const

/** The driver reports the end before its connections are closed, and stopping the server next would break them. */
async function endOf(pool: pg.Pool): Promise<void> {
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  let left = pool.totalCount
  pool.on('remove', () => --left === 0 && resolve())
  await pool.end()
  if (left <= 0) return
  const timer = setTimeout(resolve, END_MS)
  await gone
  clearTimeout(timer)
}
