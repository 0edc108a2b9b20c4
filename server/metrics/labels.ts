/**
 * The closed lists that labels are made of. A value that is in none of them is counted as `other`; the tests fail for one that
 * the code can produce and a list lacks.
 */
import { FAULTS } from '#shared/faults/fault.ts'

/** The label of a value that no list has. */
export const OTHER_LABEL = 'other'

/** The ways of calling, and `none` for paths of no way: probes, documents, what cannot be read. */
export const SURFACES = ['trpc', 'connections', 'datasources', 'none'] as const

/** HTTP statuses that are answered; `aborted` where the caller left before the answer. */
export const STATUSES = [
  ...['200', '201', '202', '204', '207', '304', '308', '400', '401', '403', '404', '405', '408', '409', '413', '414'],
  ...['415', '422', '429', '431', '500', '502', '503', '504', 'aborted'],
] as const

/** The codes of the table of faults. */
export const FAULT_CODES: readonly string[] = Object.keys(FAULTS)

/** Bounds of what callers do, by what is counted. */
export const LIMIT_LABELS = [
  ...['key', 'organization', 'failed', 'push-address', 'push-datasource', 'validate', 'local-sign-in'],
  ...['subscriptions', 'waiters', 'waiting-pushes', 'login-budget'],
] as const

/** The conditions of `/readyz`: those that fail readiness, and those that it only reports. */
export const CONDITIONS = [
  ...['database_unreachable', 'migrations_pending', 'grants_missing', 'database_not_written', 'change_feed_down'],
  ...['dialler_not_ready', 'stopping', 'worker_not_seen', 'deadlines_missing', 'months_overflowing'],
  'networks_differ',
] as const
