/**
 * The fix of a database that takes no connections: the statement of its owner, or the place at the provider where it is paused.
 *
 * Called by `dial-fixes.ts`.
 */
import { quoteName } from '#shared/base/sql-text.ts'
import { failureSpec } from '#shared/faults/failure.ts'
import { type Fix, lines } from './fix-text.ts'

/** SQLSTATE of PgBouncer for every login that it refuses. */
const OF_PGBOUNCER = '08P01'

/** 55000 is PostgreSQL's own; a pooler has a switch, a provider a dashboard. */
export const disabledFix: Fix = ({ database }, { sqlstate }) => {
  if (sqlstate === '55000')
    return lines(failureSpec('database_disabled').fix, `alter database ${quoteName(database)} allow_connections true;`)
  const resume = 'Resume or enable the database in the dashboard of its provider.'
  return sqlstate === OF_PGBOUNCER ? `${resume} Of a PgBouncer, its administrator enables it in its console.` : resume
}
