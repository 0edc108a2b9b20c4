/**
 * The pool of connections to our own database: tried at each host that `DATABASE_URL` names, checked, of a bounded life,
 * shared fairly between organizations, of which any may break without ending the process.
 */
import type { PostgresPool } from 'kysely'
import pg from 'pg'
import type { OwnDatabase } from '#server/domain/network/database-url.ts'
import { NoConnection, OrganizationBusy } from './availability.ts'
import { CLIENT_DEADLINE_MS } from './deadlines.ts'
import { Lanes } from './lanes.ts'
import { meterPool, observedWait } from './observed-statement.ts'
import { destroySocket, type Watching, watchConnection, withinDeadline } from './own-connection.ts'
import { OwnPlaces } from './own-places.ts'
import { createShares, type Shares } from './shares.ts'
import { statementScope } from './statement-scope.ts'

const END_MS = 1_000
const KEEPALIVE_MS = 10_000
const SHARE_WAIT_MS = 2_000
/** A connection's life: long enough to be cheap, short enough to leave a server that was replaced behind a name. */
const LIFE_SECONDS = 1_800
const LIFE_SPREAD = 0.2

/** How many connections of a pool one organization holds at most: half of them, so that the others are served. */
export const shareOf = (size: number): number => Math.max(1, Math.floor(size / 2))

/** How a pool is opened. */
export interface PoolOptions extends Watching {
  readonly database: OwnDatabase
  readonly size: number
  /** Connections for reads beside it, at most. */
  readonly lanes: number
  /** How long a caller waits for a connection, a new one or one that is under way. */
  readonly connectMs: number
  /** Statements for each new connection, such as deadlines that no role of the server sets. */
  readonly settings: readonly string[]
  readonly types?: pg.CustomTypesConfig
  /** Hears of every connection that breaks, in use or not. */
  readonly onError: (error: Error) => void
}

/** A pool as Kysely takes one, and lanes where there are to be some. The end of the pool is theirs, within a second. */
export interface Connections {
  readonly pool: PostgresPool
  readonly lanes: Lanes | null
}

/** Opens the pool; a lane is opened when it is needed. */
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
  // Read anew for each connection, so that those opened together do not end together.
  Object.defineProperty(pool.options, 'maxLifetimeSeconds', { get: lifeSeconds })
  watchAll(pool, spoiled, options)
  meterPool(options.meter, pool, size)
  // Emitted for idle connections alone, after the connection's own.
  pool.on('error', () => undefined)
  const shares = createShares({ each: shareOf(size), waitMs: SHARE_WAIT_MS })
  const lanes = openLanes({ settings, places, options })
  return {
    lanes: lanes?.lanes ?? null,
    pool: {
      options: pool.options,
      connect: () =>
        observedWait(options.meter, () => connectFairly(() => connect(pool, places), { places, shares, spoiled })),
      end: async () => {
        await lanes?.end()
        await endOf(pool)
      },
    },
  }
}

const lifeSeconds = () => LIFE_SECONDS * (1 - LIFE_SPREAD / 2 + LIFE_SPREAD * Math.random())

/** The plan of a read in a lane is made once: all of them are looks by an index, whatever the values. */
const GENERIC_PLANS = 'set plan_cache_mode = force_generic_plan'

/** Lanes over connections of their own, which their share of the pool is not counted against: none of them waits. */
function openLanes(of: { settings: pg.PoolConfig; places: OwnPlaces; options: PoolOptions }) {
  const { settings, places, options } = of
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
    ...(options.meter === undefined ? {} : { meter: options.meter }),
  })
  return {
    lanes,
    end: async () => {
      await lanes.close()
      await endOf(pool)
    },
  }
}

/** Watches each connection, and those that lie idle while another one has no answer. */
/** Connections that are closed when they are given back, and why. */
type Spoiled = WeakMap<object, 'read-only' | 'broken'>

function watchAll(pool: pg.Pool, spoiled: Spoiled, options: PoolOptions): void {
  const idle = new Set<pg.PoolClient>()
  const answeredAt = new WeakMap<object, number>()
  pool.on('connect', client => {
    // The driver emits it on the connection, and without a listener Node ends the process, in the middle of another request.
    client.on('error', options.onError)
    watchConnection(client, {
      ...options,
      onReadOnly: () => spoiled.set(client, 'read-only'),
      onBroken: () => spoiled.set(client, 'broken'),
      onAnswer: () => answeredAt.set(client, performance.now()),
      // Its server may have vanished: what lies idle since then is as dead, and would cost as long a wait each.
      onSilence: sinceMs => {
        for (const other of idle) if ((answeredAt.get(other) ?? 0) < sinceMs) destroySocket(other)
      },
    })
  })
  pool.on('acquire', client => idle.delete(client))
  pool.on('release', (_, client) => idle.add(client))
  pool.on('remove', client => idle.delete(client))
}

/** The driver's client, made for the place that is tried now; one that fails moves the pool on to the next. */
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

/** A connection at the first place that takes one within the time. Throws `NoConnection`. */
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

/** A server's words about a login: for the log and the operator, not for callers. */
function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(28|3D|42)/.test(error.code ?? '')
}

/** Counts the connection for the organization whose call it is, until it is given back. */
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
    // A server that was demoted goes on taking connections: it is left for the next place.
    if (spoiled.get(client) === 'read-only') places.failed(client)
    // The library says false of its own where it has nothing against the connection.
    release.call(client, destroy || spoiled.has(client))
  }
  return client
}

/** Sets what the session's role does not, and refuses a server that is not good for what `DATABASE_URL` asks of it. */
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

/** The driver's own end comes before its connections are gone, and a server that is stopped next would break them. */
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
