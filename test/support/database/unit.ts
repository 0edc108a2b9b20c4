/**
 * A unit of work for tests that call the store directly, inside a transaction of their own. Never for the product, which
 * makes its units for a caller, the worker or an operator.
 */
import type { Db, Tx } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** The unit of a transaction, or of a pool for a single statement. Its actor is the worker. */
export function unitOf(db: Db, org: string, now: Date = new Date()): UnitOfWork {
  // A pool stands in for the transaction of one statement, which the types of the product do not allow.
  return { org, tx: db as Tx, actor: { kind: 'worker', id: null, requestId: null, address: null }, now }
}
