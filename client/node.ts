/**
 * Leases for a platform's own workers, in Node: one call gives access to a customer's database with a credential that
 * nobody in between can read, over addresses that passed the network policy. Never imported by `index.ts`, which
 * browsers bundle.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { leaseKeysFromEnvironment } from '#client/node/config.ts'
import { leasedClient } from '#client/node/leased-client.ts'
import type { LeasedPlace } from '#client/node/leased-place.ts'
import { SharedWatch } from '#client/node/shared-watch.ts'
import { type Held, returnLease, takeLease } from '#client/node/take-lease.ts'
import type { DatasourceId } from '#shared/base/wire.ts'
import type { Client } from './index.ts'

/** The options that a caller may set; everything else is fixed. */
export interface LeaseOptions {
  readonly id: DatasourceId
  /**
   * The keys that a lease must be signed with, in base64, as `mooring lease-key show` prints them; one valid signature
   * suffices. Get them from the operator, never from the server that issues the lease. Default: the keys in
   * `MOORING_LEASE_KEYS`.
   */
  readonly verifyKeys?: readonly string[]
  /** The duration of a lease, which is renewed while `fn` runs. Default: 900; at most 3600. */
  readonly ttlSeconds?: number
  /** The maximum number of connections. Default: 4. */
  readonly max?: number
}

const TTL_SECONDS = 900
const MAX_CONNECTIONS = 4
/** Idle connections are closed soon, so that none is left with the old credential after a rotation. */
const IDLE_MS = 10_000
/** A lease is renewed when a fifth of its duration is left, and retried at this interval if that fails. */
const RENEW_AT = 0.8
const RETRY_MS = 2_000

/**
 * Leases a datasource's credential, runs `fn` with a connection pool, and releases the lease. New connections go only
 * to the allowed addresses, under the TLS rules that the credential was verified with. The lease is renewed before it
 * expires and when the credential is rotated. Rejects with the refusal of the lease; with an `Error` if no key of
 * `verifyKeys` has signed the lease, or if there are no keys (nothing is requested then); or with the error that `fn`
 * threw. The pool is always closed and the key always wiped.
 */
export async function withDatasource<T>(
  client: Client,
  datasource: DatasourceId | LeaseOptions,
  fn: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  const options = typeof datasource === 'string' ? { id: datasource } : datasource
  const holder = new Holder(client, options)
  try {
    await holder.renew()
    holder.keepFresh()
    const pool = new pg.Pool({
      Client: leasedClient(() => holder.place()),
      max: options.max ?? MAX_CONNECTIONS,
      idleTimeoutMillis: IDLE_MS,
    })
    // If the server closes an idle connection, that is not a failure: the pool opens a new one.
    pool.on('error', () => undefined)
    try {
      return await fn(pool)
    } finally {
      await pool.end()
    }
  } finally {
    await holder.close()
  }
}

/** Holds one lease at a time and replaces it before it expires. */
class Holder {
  readonly #client: Client
  readonly #options: LeaseOptions & { readonly verifyKeys: readonly string[]; readonly ttlSeconds: number }
  readonly #closed = new AbortController()
  #held: Held | null = null
  /** The newest credential version known. */
  #newest = 0
  #renewing: Promise<void> | null = null
  #unwatch: () => void = () => undefined

  constructor(client: Client, options: LeaseOptions) {
    this.#client = client
    const { verifyKeys = leaseKeysFromEnvironment(), ttlSeconds = TTL_SECONDS } = options
    this.#options = { ...options, verifyKeys, ttlSeconds }
  }

  /** Returns the current addresses and connection options; null if the lease has expired and could not be renewed. */
  place(): LeasedPlace | null {
    return this.#held === null || this.#held.expiresMs <= Date.now() ? null : this.#held.place
  }

  /** Takes a new lease and releases the previous one. Concurrent calls share one renewal. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  async #renew(): Promise<void> {
    const before = this.#held
    this.#held = await takeLease(this.#client, this.#options)
    if (before !== null) await this.#release(before)
  }

  /** Renews before the lease expires, and as soon as a new credential is in force. */
  keepFresh(): void {
    const { id } = this.#options
    const { datasources } = this.#client
    const { signal } = this.#closed
    void this.#renewInTime()
    this.#unwatch = SharedWatch.of(this.#client).listen({
      id,
      onStarted: () => {
        const asked = datasources.get.query({ id }, { signal })
        asked.then(found => this.#hear(found.credentialVersion)).catch(() => undefined)
      },
      onVersion: version => void this.#hear(version),
    })
  }

  /**
   * Renews when a newer credential is in force. A second renewal may be needed, because one already in progress may
   * return the old credential.
   */
  async #hear(version: number): Promise<void> {
    this.#newest = Math.max(this.#newest, version)
    const isBehind = () => !this.#closed.signal.aborted && this.#held !== null && this.#held.version < this.#newest
    for (let turn = 0; turn < 2 && isBehind(); turn += 1) await this.renew().catch(() => undefined)
  }

  async #renewInTime(): Promise<void> {
    const { signal } = this.#closed
    while (!signal.aborted && this.#held !== null) {
      const { grantedMs, expiresMs } = this.#held
      const dueMs = grantedMs + (expiresMs - grantedMs) * RENEW_AT - Date.now()
      const isOpen = await delay(Math.max(RETRY_MS, dueMs), true, { signal, ref: false }).catch(() => false)
      // Another renewal, caused by a rotation, has replaced the lease in the meantime.
      if (!isOpen || this.#held.grantedMs !== grantedMs) continue
      await this.renew().catch(() => undefined)
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#unwatch()
    await this.#renewing?.catch(() => undefined)
    const held = this.#held
    this.#held = null
    if (held !== null) await this.#release(held)
  }

  /** Releases a lease and wipes it. A lease that cannot be released expires by itself. */
  async #release(held: Held): Promise<void> {
    held.place.wipe()
    await returnLease(this.#client, held.leaseId)
  }
}
