/**
 * Metrics of the worker: the queue, claims and their results, dials, feeds, retention. A part of the table in
 * `table.ts`.
 */
import { PRIORITIES } from '#server/domain/tasks/priorities.ts'
import { FAULT_CODES } from './labels.ts'
import { type Metric, SLOW } from './metric.ts'
import { CLAIMED_PRIORITIES, DIAL_LABELS, DIAL_RESULTS, TASKS } from './task-labels.ts'

const WORKER = ['worker'] as const
/** Buckets in seconds between an event at the customer and its row in our database. */
const LAG = [1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400] as const

const TASK_METRICS = {
  mooring_tasks_due: {
    kind: 'gauge',
    help: 'Due tasks that no worker has claimed, by priority; 1000 means 1000 or more.',
    labels: { priority: PRIORITIES },
    tiers: WORKER,
    alert: 'MooringQuarantineFills',
  },
  mooring_tasks_oldest_due_seconds: {
    kind: 'gauge',
    help: 'How long the oldest of them has been due; 0 if there is none.',
    labels: { priority: PRIORITIES },
    tiers: WORKER,
    alert: 'MooringQueueStands',
  },
  mooring_tasks_claimed_total: {
    kind: 'counter',
    help: 'Tasks that this worker claimed, by kind and priority.',
    labels: { task: TASKS, priority: CLAIMED_PRIORITIES },
    tiers: WORKER,
    alert: 'how much of the work is whose?',
  },
  mooring_claims_failed_total: {
    kind: 'counter',
    help: 'Claims that the database did not answer.',
    labels: { queue: ['tasks', 'quarantine'] },
    tiers: WORKER,
    alert: 'MooringClaimsFail',
  },
  mooring_tasks_running: {
    kind: 'gauge',
    help: 'Tasks in progress.',
    labels: { queue: ['checks', 'feeds', 'quarantine'] },
    tiers: WORKER,
    alert: 'how many of its places does a worker use?',
  },
  mooring_task_places: {
    kind: 'gauge',
    help: 'The maximum number of concurrent tasks (set by MOORING_DIAL_PROCESSES).',
    labels: { queue: ['checks', 'feeds'] },
    tiers: WORKER,
    alert: 'how many of its places does a worker use?',
  },
  mooring_task_seconds: {
    kind: 'histogram',
    help: 'How long a task took, from its claim to its end.',
    labels: { task: TASKS },
    tiers: WORKER,
    buckets: SLOW,
    alert: 'which kind of task takes the time?',
  },
  mooring_tasks_ended_total: {
    kind: 'counter',
    help: 'How tasks ended: done; failed by an error of Mooring or its database; cut off; left to a worker that has the key; moved away.',
    labels: { task: TASKS, result: ['done', 'failed', 'hung', 'key_lacking', 'moved'] },
    tiers: WORKER,
    alert: 'MooringTasksFail',
  },
  mooring_quarantined_total: {
    kind: 'counter',
    help: 'Tasks that ran alone because they had crashed a worker, by result.',
    labels: { end: ['in order', 'died', 'not started'] },
    tiers: WORKER,
    alert: 'MooringQuarantineFills',
  },
} as const satisfies Readonly<Record<string, Metric>>

const DIAL_METRICS = {
  mooring_verdicts_total: {
    kind: 'counter',
    help: 'Verdicts on datasources, by kind, outcome and fault.',
    labels: {
      kind: ['direct', 'endpoint'],
      outcome: ['passed', 'refused', 'unreachable'],
      reason: ['none', ...FAULT_CODES],
    },
    tiers: WORKER,
    alert: 'MooringDatabasesUnreachable',
  },
  mooring_verdict_seconds: {
    kind: 'histogram',
    help: 'How long a verdict took, including the dial.',
    labels: { kind: ['direct', 'endpoint'] },
    tiers: WORKER,
    buckets: SLOW,
    alert: 'do checks take longer than before?',
  },
  mooring_dials_total: {
    kind: 'counter',
    help: "Dials to customers' databases and endpoints, by purpose and result.",
    labels: { dial: DIAL_LABELS, result: DIAL_RESULTS },
    tiers: WORKER,
    alert: 'how do dials end?',
  },
  mooring_dial_seconds: {
    kind: 'histogram',
    help: 'How long a dial took, including its wait for a process.',
    labels: { dial: DIAL_LABELS },
    tiers: WORKER,
    buckets: SLOW,
    alert: 'do dials take longer than before?',
  },
  mooring_dial_processes: {
    kind: 'gauge',
    help: 'Dialling processes.',
    labels: { state: ['starting', 'idle', 'busy'] },
    tiers: WORKER,
    alert: 'are all of MOORING_DIAL_PROCESSES busy?',
  },
  mooring_dials_waiting: {
    kind: 'gauge',
    help: 'Dials that wait for a process.',
    labels: {},
    tiers: WORKER,
    alert: 'MooringDialsBusy',
  },
  mooring_dial_processes_ended_total: {
    kind: 'counter',
    help: 'Dialling processes that ended, by reason.',
    labels: {
      reason: [...['closed', 'idle', 'deadline', 'memory', 'spoke_out_of_turn', 'spent', 'unasked', 'not_started']],
    },
    tiers: WORKER,
    alert: 'MooringDiallerDies',
  },
} as const satisfies Readonly<Record<string, Metric>>

const FEED_METRICS = {
  mooring_feed_polls_total: {
    kind: 'counter',
    help: 'Polls of feeds, by result.',
    labels: { result: DIAL_RESULTS },
    tiers: WORKER,
    alert: 'which failures do endpoints have?',
  },
  mooring_feed_events_total: {
    kind: 'counter',
    help: 'Stored events, by the way they arrived.',
    labels: { way: ['poll', 'push'] },
    tiers: WORKER,
    alert: 'how much comes in?',
  },
  mooring_feed_lag_seconds: {
    kind: 'histogram',
    help: "Age of the newest event of a page when it was stored, by the customer's timestamp.",
    labels: {},
    tiers: WORKER,
    buckets: LAG,
    alert: 'MooringFeedsLag',
  },
} as const satisfies Readonly<Record<string, Metric>>

const RETENTION_METRICS = {
  mooring_retention_turns_total: {
    kind: 'counter',
    help: 'Runs of retention in this worker: one a minute, by one worker of the installation.',
    labels: { result: ['done', 'failed'] },
    tiers: WORKER,
    alert: 'MooringRetentionFails',
  },
  mooring_retention_batches_total: {
    kind: 'counter',
    help: 'Batches that removed old rows, by table.',
    labels: {
      rows: [
        ...['months', 'tasks', 'leases', 'idempotency_keys', 'dial_budgets', 'fingerprints', 'event_contents'],
        ...['feeds', 'pushes', 'changes', 'datasources', 'verifications', 'audit_events', 'ended_leases'],
        ...['retired_credentials', 'credentials', 'capabilities', 'keys', 'moved_organizations'],
      ],
    },
    tiers: WORKER,
    alert: 'which rows are many?',
  },
  mooring_retention_last_turn_timestamp_seconds: {
    kind: 'gauge',
    help: 'When this worker last finished a run without a failure, as Unix time; 0 for never.',
    labels: {},
    tiers: WORKER,
    alert: 'MooringRetentionStands',
  },
} as const satisfies Readonly<Record<string, Metric>>

/** Rows of the table. */
export const WORKER_METRICS = { ...TASK_METRICS, ...DIAL_METRICS, ...FEED_METRICS, ...RETENTION_METRICS } as const
