/**
 * The renewal of a lease and its retry: a lease is replaced before it expires, and when its credential is rotated. A
 * failed renewal is repeated until the lease has expired. Called by `withDatasource`, which closes it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from '#client/index.ts'
import type { LeasedPlace } from './leased-place.ts'
import { SharedWatch } from './shared-watch.ts'
import { type Held, type LeaseRequest, returnLease, takeLease } from './take-lease.ts'

/** A lease is renewed when a fifth of its duration is left, and retried at this interval if that fails. */
const RENEW_AT = 0.8
const RETRY_MS = 2_000

/** One lease at a time, which is replaced before it expires. */
export class RenewedLease {
  readonly #client: Client
  readonly #options: LeaseRequest
  readonly #closed = new AbortController()
  #held: Held | null = null
  /** The newest credential version known. */
  #newest = 0
  #renewing: Promise<void> | null = null
  #unwatch: () => void = () => undefined

  constructor(client: Client, options: LeaseRequest) {
    this.#client = client
    this.#options = options
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
