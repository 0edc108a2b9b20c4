/**
 * One misconfiguration of the catalogue: what is wrong, what Mooring must report about it, and the means that its owner
 * has to repair it.
 */
import type { CheckItem } from '#shared/checks/check.ts'
import type { FaultCode } from '#shared/faults/fault.ts'
import type { Attempt } from './attempt.ts'
import type { Place } from './place.ts'
import type { PoolerSetting } from './pooler.ts'
import type { Owner } from './robot.ts'

/** The servers: PostgreSQL 18 with TLS, 15 with TLS, and 18 with a certificate but with TLS switched off. */
export type ServerName = 'main' | 'older' | 'without TLS'

/** A row of the catalogue. */
export interface Misconfiguration {
  /** The mistake, as its owner would describe it once they know. */
  readonly title: string
  readonly server?: ServerName
  /** A PgBouncer in front of the server, which the string connects to. */
  readonly pooler?: PoolerSetting
  /** The beginning of the login's name, if lines of `pg_hba.conf` must distinguish it. */
  readonly login?: string
  /** The deviations from a correct registration. */
  readonly attempt?: (place: Place) => Partial<Attempt> | Promise<Partial<Attempt>>
  /** The change to the server before the registration. */
  readonly breaks?: (place: Place) => Promise<void>
  readonly says: {
    /** `active` if it is not a failure; then an advisory reports it. */
    readonly reason: FaultCode | 'active'
    /** The failed line, or the advisory. */
    readonly item: CheckItem | 'standby'
    /** The true cause, in the words of the failed line. */
    readonly cause: string
    /** Texts that the fix must contain, besides working. */
    readonly fix?: readonly string[]
  }
  /** The owner's means apart from running SQL and writing to the server's files. */
  readonly owner?: (place: Place) => Partial<Owner>
  /** The reason why no robot can follow the fix; the datasource then does not become active. */
  readonly stays?: string
}

/**
 * Runs SQL as superuser, by default in the place's database. `:login`, `:password`, `:neighbour`, `:database` and
 * `:tag` are replaced by the place's values.
 */
export function altered(sql: string, at?: string): (place: Place) => Promise<void> {
  return async place => {
    const { login, password, neighbour, database } = place
    const tag = login.slice(login.lastIndexOf('_') + 1)
    const words = Object.entries({ login, password, neighbour, database, tag })
    await place.sql(
      words.reduce((text, [word, value]) => text.replaceAll(`:${word}`, value), sql),
      at,
    )
  }
}
