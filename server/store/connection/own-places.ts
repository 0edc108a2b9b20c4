/**
 * The places at which a connection to our own database is tried: each host of `DATABASE_URL`, over TLS or without it as `sslmode` says, the
 * one that worked last first. A failover moves on to the next; nothing has to be restarted.
 *
 * Held by the pool and by what listens; it opens no socket.
 */
import { readFileSync } from 'node:fs'
import type pg from 'pg'
import { type DatabasePlace, DatabaseUrlError, type OwnDatabase } from '#server/domain/network/database-url.ts'

type TlsOptions = Exclude<NonNullable<pg.ClientConfig['ssl']>, boolean>

/** One way to try: a place, over TLS or in clear. */
export interface OwnAttempt {
  readonly place: DatabasePlace
  readonly isEncrypted: boolean
}

/** The ways to our database, and the one to try next. */
export class OwnPlaces {
  readonly #database: OwnDatabase
  readonly #attempts: readonly [OwnAttempt, ...OwnAttempt[]]
  readonly #tls: TlsOptions
  readonly #clients = new WeakMap<object, OwnAttempt>()
  #at = 0

  /** Reads the certificate files that are named. Throws `DatabaseUrlError` for one that cannot be read. */
  constructor(database: OwnDatabase, random: () => number) {
    this.#database = database
    this.#attempts = attemptsOf(database, random)
    this.#tls = tlsOptions(database.tls)
  }

  /** How many ways there are: after so many failures in a row there is none. */
  get size(): number {
    return this.#attempts.length
  }

  /** The way that is tried now. */
  current(): OwnAttempt {
    return this.#attempts[this.#at] ?? this.#attempts[0]
  }

  /** Remembers by which way a client connects. */
  tried(client: object, attempt: OwnAttempt): void {
    this.#clients.set(client, attempt)
  }

  /** A client's way is of no use: the next one is tried from now on, unless another failure has moved on already. */
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

/** libpq's table of `sslmode` (PostgreSQL manual, table 32.1). A socket of this machine has no TLS. */
function waysOf({ host }: DatabasePlace, mode: OwnDatabase['tls']['mode']): boolean[] {
  if (host.startsWith('/') || mode === 'disable') return [false]
  if (mode === 'allow') return [false, true]
  return mode === 'prefer' ? [true, false] : [true]
}

/** With named authorities `require` verifies the chain, as libpq does; the name is verified by `verify-full` alone. */
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
