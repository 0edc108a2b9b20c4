/**
 * The alerts: each with its condition as PromQL, how long that must last, what it means, and how to respond. `npm run
 * dump` writes them to `docs/operations.md` and, as rules for Prometheus, to `docs/prometheus/alerts.yml`.
 */

/** An alert. */
export interface Alert {
  readonly expr: string
  /** How long the condition must last, in Prometheus's duration syntax. */
  readonly lasts: string
  /** `page`: callers are harmed now. `ticket`: they will be. */
  readonly severity: 'page' | 'ticket'
  /** Its meaning, as a sentence. */
  readonly means: string
  /** The remedy, as a sentence. */
  readonly todo: string
}

const share = (part: string, whole: string) => `sum(rate(${part}[5m])) / sum(rate(${whole}[5m]))`
const p99 = (histogram: string, by = '') => `histogram_quantile(0.99, sum by (le${by}) (rate(${histogram}_bucket[5m])))`

const CALLERS: Readonly<Record<string, Alert>> = {
  MooringDown: {
    expr: 'up{job="mooring"} == 0 or absent(mooring_build_info)',
    lasts: '1m',
    severity: 'page',
    means: 'A process does not answer the scraper, or no process is scraped at all.',
    todo: 'Check whether it runs, and why it ended; otherwise its port for probes cannot be reached.',
  },
  MooringNotReady: {
    expr: 'mooring_ready == 0',
    lasts: '1m',
    severity: 'page',
    means: 'A process cannot do its work.',
    todo: 'See which condition `mooring_condition` names, and the table under Readiness.',
  },
  MooringWorkerNotSeen: {
    expr: 'max(mooring_condition{condition="worker_not_seen"}) == 1',
    lasts: '1m',
    severity: 'page',
    means: 'No worker is running: registrations are acknowledged and wait.',
    todo: 'Start one; the last lines of its log show why it ended.',
  },
  MooringFailsCallers: {
    expr: `${share('mooring_faults_total{fault=~"internal_error|service_unavailable|outcome_unknown"}', 'mooring_http_requests_total')} > 0.01`,
    lasts: '5m',
    severity: 'page',
    means: 'More than one request in a hundred fails because of an error in Mooring or its database.',
    todo: 'Filter the log by `msg` `request failed` and `procedure failed`: `cause` is the reason. For `service_unavailable`, check PostgreSQL first.',
  },
  MooringRequestsFail: {
    expr: `${share('mooring_http_requests_total{status=~"5.."}', 'mooring_http_requests_total')} > 0.05`,
    lasts: '5m',
    severity: 'page',
    means:
      "More than one request in twenty is answered with 5xx, including those for unreachable customers' databases.",
    todo: 'Split `mooring_faults_total` by `fault`: `database_unreachable` and `endpoint_unavailable` are problems of customers, `timeout` is a stalled queue.',
  },
  MooringRequestsSlow: {
    expr: `${p99('mooring_http_request_seconds', ', route')} > 5`,
    lasts: '10m',
    severity: 'ticket',
    means: 'One request in a hundred of a route takes longer than five seconds; routes with `Prefer: wait` may do so.',
    todo: 'Compare `mooring_statement_seconds` and `mooring_pool_wait_seconds`: the database is slow, or the pool is too small.',
  },
  MooringLimitsHit: {
    expr: 'sum by (limit) (rate(mooring_limits_hit_total[10m])) > 1',
    lasts: '15m',
    severity: 'ticket',
    means: 'Callers hit a limit at least once a second.',
    todo: 'Find the caller in the audit record (outcome `rate_limit_exceeded`); raise the variable that docs/limits.md names, or talk to them.',
  },
}

const DATABASE: Readonly<Record<string, Alert>> = {
  MooringPoolExhausted: {
    expr: `${p99('mooring_pool_wait_seconds', ', instance')} > 0.25 or sum by (instance) (mooring_pool_connections{state="waiting"}) > 0`,
    lasts: '5m',
    severity: 'ticket',
    means: 'Calls wait for a connection of the pool.',
    todo: 'Raise `MOORING_POOL_SIZE` if PostgreSQL has connections left, or start another process.',
  },
  MooringPoolRefuses: {
    expr: 'sum by (reason) (rate(mooring_pool_refused_total[5m])) > 0.1',
    lasts: '5m',
    severity: 'page',
    means: 'Calls get no connection: callers get a 503.',
    todo: '`none_in_time`: PostgreSQL is unreachable or has no connections left. `share`: one organization holds half of the pool, usually behind its own lock. `refused`: the role or the password is wrong.',
  },
  MooringDatabaseSlow: {
    expr: `${p99('mooring_statement_seconds')} > 1`,
    lasts: '10m',
    severity: 'ticket',
    means: 'One statement in a hundred takes longer than a second.',
    todo: 'Look at `pg_stat_activity` for locks and old transactions, at autovacuum, and at the disk.',
  },
  MooringConnectionsLost: {
    expr: 'sum(rate(mooring_connections_lost_total[5m])) > 0.2',
    lasts: '10m',
    severity: 'ticket',
    means: 'Connections to PostgreSQL break repeatedly.',
    todo: 'Look for restarts, for idle timeouts of a pooler or a firewall that are shorter than ours, and for network problems.',
  },
  MooringClockSkewed: {
    expr: 'abs(mooring_clock_skew_seconds) > 1',
    lasts: '10m',
    severity: 'ticket',
    means: "A machine's clock is wrong. No decision depends on it, but its log lines have the wrong time.",
    todo: 'Synchronize the machine with a time server.',
  },
}

const WORK: Readonly<Record<string, Alert>> = {
  MooringQueueStands: {
    expr: 'max by (priority) (mooring_tasks_oldest_due_seconds{priority=~"awaited|asked|scheduled|feed_scheduled"}) > 60',
    lasts: '5m',
    severity: 'page',
    means: 'Due tasks have been waiting for more than a minute.',
    todo: 'Compare `mooring_tasks_running` with `mooring_task_places`: if all places are taken, start another worker or raise `MOORING_DIAL_PROCESSES`; if none is, look for `no tasks could be claimed` in the log.',
  },
  MooringClaimsFail: {
    expr: 'sum(rate(mooring_claims_failed_total[5m])) > 0.1',
    lasts: '5m',
    severity: 'page',
    means: 'Workers cannot claim.',
    todo: 'Look at the `cause` of `no tasks could be claimed`: usually PostgreSQL, or a missing privilege.',
  },
  MooringTasksFail: {
    expr: 'sum by (task) (rate(mooring_tasks_ended_total{result=~"failed|key_lacking"}[10m])) > 0.05',
    lasts: '10m',
    severity: 'ticket',
    means: 'Tasks fail because of an error in Mooring, or a worker lacks a key.',
    todo: 'Filter the log by `task failed`. For `the keyring of this worker lacks a key`, give it the keyring of the others and send SIGHUP.',
  },
  MooringQuarantineFills: {
    expr: 'max(mooring_tasks_due{priority="quarantine"}) > 5 or sum(increase(mooring_quarantined_total{end="died"}[1h])) > 0',
    lasts: '5m',
    severity: 'ticket',
    means: 'A task makes worker processes crash.',
    todo: 'Filter the log by `task left quarantine`: it names the datasource. Report what its server sends; the task is retried after its interval.',
  },
  MooringDatabasesUnreachable: {
    expr: `${share('mooring_verdicts_total{outcome="unreachable"}', 'mooring_verdicts_total')} > 0.5`,
    lasts: '15m',
    severity: 'page',
    means:
      "More than half of the customers' databases cannot be reached: the cause is more likely our network than theirs.",
    todo: 'Split `mooring_dials_total` by `result`. `name_not_found` and similar: the name servers (`MOORING_DNS_SERVERS`). `connection_timeout`: the outgoing route, or an address that customers do not allow (`MOORING_EGRESS_ADDRESSES`).',
  },
  MooringDialsBusy: {
    expr: 'max by (instance) (mooring_dials_waiting) > 0',
    lasts: '10m',
    severity: 'ticket',
    means: 'Dials wait for a dialling process.',
    todo: 'Raise `MOORING_DIAL_PROCESSES` (about 60 MiB each), or start another worker.',
  },
  MooringDiallerDies: {
    expr: 'sum by (reason) (rate(mooring_dial_processes_ended_total{reason=~"deadline|memory|spoke_out_of_turn|unasked|not_started"}[10m])) > 0.1',
    lasts: '10m',
    severity: 'ticket',
    means: 'Dialling processes are killed or do not start.',
    todo: '`not_started`: the installation, or the limits on processes and descriptors. `deadline` and `memory`: a hostile or broken server; the log names its task.',
  },
  MooringFeedsLag: {
    expr: `${p99('mooring_feed_lag_seconds')} > 3600`,
    lasts: '30m',
    severity: 'ticket',
    means: "Events arrive more than an hour after they happened, by the customer's clock.",
    todo: 'Split `mooring_feed_polls_total` by `result`; if `feed_scheduled` tasks are old in the queue, start another worker. A customer who sends old events for the first time looks the same for a while.',
  },
  MooringRetentionStands: {
    expr: 'time() - max(mooring_retention_last_turn_timestamp_seconds) > 3600',
    lasts: '10m',
    severity: 'ticket',
    means: 'Retention has not finished a run for an hour.',
    todo: 'Filter the log by `old rows could not be removed`.',
  },
  MooringRetentionFails: {
    expr: 'sum(increase(mooring_retention_turns_total{result="failed"}[1h])) > 5',
    lasts: '10m',
    severity: 'ticket',
    means: 'Runs of retention fail.',
    todo: 'Filter the log by `old rows could not be removed`: usually a missing privilege (`db grant`).',
  },
}

const PROCESS: Readonly<Record<string, Alert>> = {
  MooringEventLoopLate: {
    expr: 'nodejs_eventloop_lag_p99_seconds > 0.5',
    lasts: '5m',
    severity: 'ticket',
    means: 'A process computes for half a second at a time, and everything else in it waits.',
    todo: 'Check whether its core is busy (`process_cpu_seconds_total`) or shared; start another process.',
  },
  MooringRestarts: {
    expr: 'changes(process_start_time_seconds[30m]) > 2',
    lasts: '1m',
    severity: 'page',
    means: 'A process ends and is restarted.',
    todo: 'Its last log line at level 60 shows why; without one, it was killed by the watchdog or for its memory.',
  },
  MooringMemoryGrows: {
    expr: 'process_resident_memory_bytes > 1e9',
    lasts: '15m',
    severity: 'ticket',
    means: 'A process uses more than a gigabyte; after an hour of load, both tiers use less than half of that.',
    todo: 'Compare it with `mooring_subscribers` and `mooring_http_requests_running`; restart it, and report it if it happens again.',
  },
  MooringDescriptorsRunOut: {
    expr: 'process_open_fds / process_max_fds > 0.8',
    lasts: '5m',
    severity: 'page',
    means: 'A process has almost reached its limit of files and sockets.',
    todo: 'Raise `LimitNOFILE`; a web process needs one for each connection.',
  },
}

/** The path of the runbook section, relative to the root of the project. */
export function runbookOf(name: string): string {
  return `docs/operations.md#${name.toLowerCase()}`
}

/** Every alert, by name. */
export const ALERTS: Readonly<Record<string, Alert>> = { ...CALLERS, ...DATABASE, ...WORK, ...PROCESS }
