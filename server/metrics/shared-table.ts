/**
 * Metrics of both tiers: the process, its database, its permissions.
 * A part of the table in `table.ts`.
 */
import { CONDITIONS, LIMIT_LABELS } from './labels.ts'
import { BOTH, type Metric, QUICK } from './metric.ts'

/** Rows of the table. */
export const SHARED_METRICS = {
  mooring_build_info: {
    kind: 'gauge',
    help: 'Always 1, labelled with the running release.',
    labels: { version: 'version' },
    tiers: BOTH,
    alert: 'MooringDown',
  },
  mooring_ready: {
    kind: 'gauge',
    help: '1 while the process can do its work, as /readyz reports.',
    labels: {},
    tiers: BOTH,
    alert: 'MooringNotReady',
  },
  mooring_condition: {
    kind: 'gauge',
    help: '1 for each condition that fails or that /readyz reports.',
    labels: { condition: CONDITIONS },
    tiers: BOTH,
    alert: 'MooringWorkerNotSeen',
  },
  mooring_clock_skew_seconds: {
    kind: 'gauge',
    help: "How far this machine's clock is ahead of the database's, which every decision uses.",
    labels: {},
    tiers: BOTH,
    alert: 'MooringClockSkewed',
  },
  mooring_pool_size: {
    kind: 'gauge',
    help: 'The maximum number of connections in the pool (MOORING_POOL_SIZE).',
    labels: {},
    tiers: BOTH,
    alert: 'how much of the pool is used?',
  },
  mooring_pool_connections: {
    kind: 'gauge',
    help: 'Connections of the pool in use and idle, and callers that wait for one.',
    labels: { state: ['busy', 'idle', 'waiting'] },
    tiers: BOTH,
    alert: 'MooringPoolExhausted',
  },
  mooring_pool_wait_seconds: {
    kind: 'histogram',
    help: 'How long a call waited for a connection of the pool.',
    labels: {},
    tiers: BOTH,
    buckets: QUICK,
    alert: 'MooringPoolExhausted',
  },
  mooring_pool_refused_total: {
    kind: 'counter',
    help: 'Calls that got no connection: none became free in time, the organization held its share, or the server refused.',
    labels: { reason: ['none_in_time', 'share', 'refused'] },
    tiers: BOTH,
    alert: 'MooringPoolRefuses',
  },
  mooring_statement_seconds: {
    kind: 'histogram',
    help: 'How long a statement on our own database took.',
    labels: {},
    tiers: BOTH,
    buckets: QUICK,
    alert: 'MooringDatabaseSlow',
  },
  mooring_statements_failed_total: {
    kind: 'counter',
    help: 'Statements that failed: the connection broke or was too slow, or the server cancelled or refused the statement.',
    labels: { reason: ['broken', 'contended', 'refused'] },
    tiers: BOTH,
    alert: 'how many statements fail, and why?',
  },
  mooring_connections_lost_total: {
    kind: 'counter',
    help: 'Connections to our own database that broke, in use or not.',
    labels: {},
    tiers: BOTH,
    alert: 'MooringConnectionsLost',
  },
  mooring_limits_hit_total: {
    kind: 'counter',
    help: 'Calls that a limit refused or delayed, by what is counted.',
    labels: { limit: LIMIT_LABELS },
    tiers: BOTH,
    alert: 'MooringLimitsHit',
  },
} as const satisfies Readonly<Record<string, Metric>>
