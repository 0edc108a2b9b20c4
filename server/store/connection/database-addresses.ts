/**
 * The addresses to try for our own database: each host of `DATABASE_URL`, with or without TLS as `sslmode` says,
 * starting with the one that worked last. After a failover the next one is tried, without a restart.
 *
 * Held by the pool and by the listener for notifications; it opens no socket.
 */
import { readFileSync } from 'node:fs'
import type pg from 'pg'
import { type DatabasePlace, DatabaseUrlError, type OwnDatabase } from '#server/domain/network/database-url.ts'

type TlsOptions = Exclude<NonNullable<pg.ClientConfig['ssl']>, boolean>

/** One attempt: an address, with or without TLS. */
export interface OwnAttempt {
  readonly place: DatabasePlace
  readonly isEncrypted: boolean
}

/** The attempts for our database, and the current one. */
export class OwnPlaces {
  readonly #database: OwnDatabase
  readonly #attempts: readonly [OwnAttempt, ...OwnAttempt[]]
  readonly #tls: TlsOptions
  readonly #clients = new WeakMap<object, OwnAttempt>()
  #at = 0

  /** Reads the named certificate files. Throws `DatabaseUrlError` if one cannot be read. */
  constructor(database: OwnDatabase, random: () => number) {
    this.#database = database
    this.#attempts = attemptsOf(database, random)
    this.#tls = tlsOptions(database.tls)
  }

  /** The number of attempts: after that many failures in a row, all have failed. */
  get size(): number {
    return this.#attempts.length
  }

  /** The current attempt. */
  current(): OwnAttempt {
    return this.#attempts[this.#at] ?? this.#attempts[0]
  }

  /** Records the attempt that a client connects with. */
  tried(client: object, attempt: OwnAttempt): void {
    this.#clients.set(client, attempt)
  }

  /** Moves on to the next attempt because a client's attempt failed, unless another failure has already done so. */
  failed(client: object): void {
    if (this.current() === this.#clients.get(client)) this.#at = (this.#at + 1) % this.#attempts.length
  }

  /** The driver's options for one attempt. */
  options({ place, isEncrypted }: OwnAttempt): pg.ClientConfig {
    const { database, user, password, tls, applicationName, options } = this.#database
    const ssl = isEncrypted
      ? { ...this.#tls, ...(tls.mode === 'verify-full' ? { servername: place.host } : {}) }
      : false
    return {
      host: place.host,
      port: place.port,
      database,
      ...(user === null ? {} : { user }),
      ...(password === null ? {} : { password }),
      ssl,
      ...(isEncrypted && tls.negotiation === 'direct' ? { sslnegotiation: 'direct' } : {}),
      ...(applicationName === null ? {} : { application_name: applicationName }),
      ...(options === null ? {} : { options }),
    }
  }
}

function attemptsOf(
  { places, isShuffled, tls }: OwnDatabase,
  random: () => number,
): readonly [OwnAttempt, ...OwnAttempt[]] {
  const order = isShuffled
    ? places
        .map(place => ({ place, at: random() }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ place }) => place)
    : places
  const [first, ...rest] = order.flatMap(place => waysOf(place, tls.mode).map(isEncrypted => ({ place, isEncrypted })))
  if (first === undefined) throw new Error('a database has a place')
  return [first, ...rest]
}

/** The `sslmode` table of libpq (PostgreSQL manual, table 32.1). A local socket has no TLS. */
function waysOf({ host }: DatabasePlace, mode: OwnDatabase['tls']['mode']): boolean[] {
  if (host.startsWith('/') || mode === 'disable') return [false]
  if (mode === 'allow') return [false, true]
  return mode === 'prefer' ? [true, false] : [true]
}

/** With a root certificate, `require` verifies the chain, as libpq does; only `verify-full` also verifies the name. */
function tlsOptions({ mode, rootCert, cert, key }: OwnDatabase['tls']): TlsOptions {
  const isChecked = mode === 'verify-ca' || mode === 'verify-full' || (mode === 'require' && rootCert !== null)
  return {
    rejectUnauthorized: isChecked,
    ...(isChecked && rootCert !== null && rootCert !== 'system' ? { ca: pem('sslrootcert', rootCert) } : {}),
    ...(isChecked && mode !== 'verify-full' ? { checkServerIdentity: () => undefined } : {}),
    ...(cert === null ? {} : { cert: pem('sslcert', cert) }),
    ...(key === null ? {} : { key: pem('sslkey', key) }),
  }
}

function pem(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new DatabaseUrlError(parameter, 'the path of a PEM file that this process can read')
  }
}
