/**
 * The closed lists of label values. A value that is in none of them is counted as `other`; the tests fail for a value
 * that the code can produce and a list lacks.
 */
import { FAULTS } from '#shared/faults/fault.ts'

/** The label for a value that is in no list. */
export const OTHER_LABEL = 'other'

/** The surfaces, and `none` for paths that belong to none: probes, documents, unreadable requests. */
export const SURFACES = ['trpc', 'connections', 'datasources', 'none'] as const

/** HTTP statuses of answers; `aborted` if the caller left before the answer. */
export const STATUSES = [
  ...['200', '201', '202', '204', '207', '304', '308', '400', '401', '403', '404', '405', '408', '409', '413', '414'],
  ...['415', '422', '429', '431', '500', '502', '503', '504', 'aborted'],
] as const

/** The codes of the table of faults. */
export const FAULT_CODES: readonly string[] = Object.keys(FAULTS)

/** Limits on callers, by what they count. */
export const LIMIT_LABELS = [
  ...['key', 'organization', 'failed', 'push-address', 'push-datasource', 'validate', 'local-sign-in'],
  ...['subscriptions', 'waiters', 'waiting-pushes', 'login-budget'],
] as const

/** The conditions of `/readyz`: those that fail readiness, and those that are only reported. */
export const CONDITIONS = [
  ...['database_unreachable', 'migrations_pending', 'grants_missing', 'database_not_written', 'change_feed_down'],
  ...['dialler_not_ready', 'stopping', 'worker_not_seen', 'deadlines_missing', 'months_overflowing'],
  'networks_differ',
] as const
