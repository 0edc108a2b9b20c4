/**
 * Leases for a platform's own workers, in Node: one call to use a customer's database with a credential that nobody between
 * could read, over addresses that were judged. Never reached from `index.ts`, which browsers bundle.
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

/** The caller's options; everything else is fixed. */
export interface LeaseOptions {
  readonly id: DatasourceId
  /**
   * The keys that a lease must be signed with, base64, as `mooring lease-key show` prints them: one valid signature
   * suffices. They come from the operator, never from the server that is asked. Default: those in `MOORING_LEASE_KEYS`.
   */
  readonly verifyKeys?: readonly string[]
  /** How long a lease holds; it is renewed while `fn` runs. Default 900, at most 3600. */
  readonly ttlSeconds?: number
  /** Connections at once. Default 4. */
  readonly max?: number
}

const TTL_SECONDS = 900
const MAX_CONNECTIONS = 4
/** Idle connections go soon, so that after a rotation none of the old credential's is left lying about. */
const IDLE_MS = 10_000
/** A lease is renewed when a fifth of it is left, and tried again this often when that fails. */
const RENEW_AT = 0.8
const RETRY_MS = 2_000

/**
 * Leases a datasource's credential, runs `fn` with a pool on it, and gives the lease back. New connections go to the
 * judged addresses only, under the TLS rules that it was verified with; the lease is renewed before it ends and when the
 * credential is rotated. Rejects with what the lease was refused with, with an `Error` when the lease is not signed by a
 * key of `verifyKeys` or there is none (then nothing is asked), or with what `fn` threw; the pool is closed and the key
 * wiped in every case.
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
    // An idle connection that the server closes is no failure: the next one is new.
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

/** Holds one lease at a time and replaces it in time. */
class Holder {
  readonly #client: Client
  readonly #options: LeaseOptions & { readonly verifyKeys: readonly string[]; readonly ttlSeconds: number }
  readonly #closed = new AbortController()
  #held: Held | null = null
  /** The newest version that was heard of. */
  #newest = 0
  #renewing: Promise<void> | null = null
  #unwatch: () => void = () => undefined

  constructor(client: Client, options: LeaseOptions) {
    this.#client = client
    const { verifyKeys = leaseKeysFromEnvironment(), ttlSeconds = TTL_SECONDS } = options
    this.#options = { ...options, verifyKeys, ttlSeconds }
  }

  /** The current addresses and options of a connection; null if the lease has expired and could not be renewed. */
  place(): LeasedPlace | null {
    return this.#held === null || this.#held.expiresMs <= Date.now() ? null : this.#held.place
  }

  /** Takes a new lease and gives the one before back. Calls at once share one. */
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

  /** Renews before the lease ends, and as soon as a new credential is in force. */
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

  /** Renews when a newer credential is in force. Twice if need be: the first may be under way, and of a lease from before. */
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
      // A renewal that a rotation brought about meanwhile moved the time.
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

  /** Gives a lease back and forgets it. One that cannot be given back ends by itself. */
  async #release(held: Held): Promise<void> {
    held.place.wipe()
    await returnLease(this.#client, held.leaseId)
  }
}
