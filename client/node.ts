/**
 * Leases for a platform's own workers, in Node: one call gives access to a customer's database with a credential that
 * nobody in between can read, over addresses that passed the network policy. Never imported by `index.ts`, which
 * browsers bundle.
 */
import pg from 'pg'
import { leaseKeysFromEnvironment } from '#client/node/config.ts'
import { RenewedLease } from '#client/node/lease-renewal.ts'
import { leasedClient } from '#client/node/leased-client.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import type { Client } from './index.ts'

/** The options that a caller may set; everything else is fixed. */
export interface LeaseOptions {
  /** The datasource: `ds_…` or `ds_test_…` with 32 hex digits. */
  readonly id: DatasourceId
  /**
   * The keys that a lease must be signed with, in base64, as `mooring lease-key show` prints them; one valid signature
   * suffices. Get them from the operator, never from the server that issues the lease. Default: the keys in
   * `MOORING_LEASE_KEYS`.
   */
  readonly verifyKeys?: readonly string[]
  /** The duration of a lease in seconds; it is renewed while `fn` runs. Default: 900; at most 3600. */
  readonly ttlSeconds?: number
  /** The maximum number of connections. Default: 4. */
  readonly max?: number
}

const TTL_SECONDS = 900
const MAX_CONNECTIONS = 4
/** Idle connections are closed soon, so that none is left with the old credential after a rotation. */
const IDLE_MS = 10_000

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
  const { id, verifyKeys = leaseKeysFromEnvironment(), ttlSeconds = TTL_SECONDS } = options
  const lease = new RenewedLease(client, { id, verifyKeys, ttlSeconds })
  try {
    await lease.renew()
    lease.keepFresh()
    const pool = new pg.Pool({
      Client: leasedClient(() => lease.place()),
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
    await lease.close()
  }
}
