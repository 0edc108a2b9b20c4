/**
 * The carrier of a transaction that writes for one organization: store functions and use cases take it in place of a
 * transaction, an organization, an actor and a time. Statements that need no transaction take a `Db` and the
 * organization; `docs/decisions/unit-of-work.md` gives the reasons.
 */
import type { Tx } from './tables.ts'

/** The actor: a key, a capability, an operator at the command line, or the worker. */
export interface Actor {
  readonly kind: 'key' | 'capability' | 'operator' | 'worker'
  readonly id: string | null
  readonly requestId: string | null
  readonly address: string | null
}

/** One transaction of one organization. */
export interface UnitOfWork {
  /** The organization's UUID. */
  readonly org: string
  readonly tx: Tx
  /** The actor of its audit events. */
  readonly actor: Actor
  /** The time of everything that it writes, by the database's clock. */
  readonly now: Date
}
