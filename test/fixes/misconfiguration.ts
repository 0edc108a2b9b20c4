/**
 * One misconfiguration of the catalogue: what is wrong, what Mooring has to say of it, and what its owner has at hand to mend it.
 */
import type { CheckItem } from '#shared/checks/check.ts'
import type { FaultCode } from '#shared/faults/fault.ts'
import type { Attempt } from './attempt.ts'
import type { Place } from './place.ts'
import type { PoolerSetting } from './pooler.ts'
import type { Owner } from './robot.ts'

/** Which of the servers: PostgreSQL 18 with TLS, 15 with TLS, or 18 that has a certificate and does not use it. */
export type ServerName = 'main' | 'older' | 'without TLS'

/** A row of the catalogue. */
export interface Misconfiguration {
  /** What is wrong, as its owner would say it once they know. */
  readonly title: string
  readonly server?: ServerName
  /** A PgBouncer before the server, through which the string leads. */
  readonly pooler?: PoolerSetting
  /** How the login begins, where lines of `pg_hba.conf` are to know it apart. */
  readonly login?: string
  /** What is registered otherwise than it should be. */
  readonly attempt?: (place: Place) => Partial<Attempt> | Promise<Partial<Attempt>>
  /** What is done to the server before it is registered. */
  readonly breaks?: (place: Place) => Promise<void>
  readonly says: {
    /** `active` where it is no failure: then an advisory says it. */
    readonly reason: FaultCode | 'active'
    /** The line that fails, or the advisory. */
    readonly item: CheckItem | 'standby'
    /** The one true cause, in the words of the failed line. */
    readonly cause: string
    /** What the fix has to hold, beyond that it works. */
    readonly fix?: readonly string[]
  }
  /** What the owner has beside the rights to run SQL and to write to the server's files. */
  readonly owner?: (place: Place) => Partial<Owner>
  /** Why no robot can do what the fix says: the datasource does not become active by it. */
  readonly stays?: string
}

/** SQL of the superuser's, in the place's database unless another is named, in which `:login`, `:password`, `:neighbour`, `:database` and `:tag` are the place's. */
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
