/**
 * For each alert, series on which it fires and series on which it does not, for `promtool test rules`. This detects a
 * condition that can never be true and one that a healthy installation meets.
 */
import { ALERTS, runbookOf } from '#server/metrics/alerts.ts'

/** A constant value each minute for two hours, in promtool's notation. */
const steady = (value: number) => `${value}x120`
/** A value that increases by this amount each second. */
const rising = (perSecond: number) => `0+${perSecond * 60}x120`
const gone = 'stale'

type Values = Readonly<Record<string, string>>

interface Case {
  readonly fires: Values
  /** Labels of the alert other than its name and severity. */
  readonly labels: Readonly<Record<string, string>>
  readonly quiet: Values
}

const WEB = { job: 'mooring', instance: 'web1' }
const of = (name: string, labels: Readonly<Record<string, string>> = {}) =>
  `${name}{${Object.entries({ ...WEB, ...labels })
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`

/** A histogram whose observations, one per second, all fall between two bounds. */
function histogram(
  name: string,
  [below, within]: readonly [string, string],
  labels: Record<string, string> = {},
): Values {
  const bucket = (le: string) => of(`${name}_bucket`, { ...labels, le })
  return { [bucket(below)]: steady(0), [bucket(within)]: rising(1), [bucket('+Inf')]: rising(1) }
}

const gauge = (name: string, [bad, good]: readonly [number, number], labels: Record<string, string> = {}): Case => ({
  fires: { [of(name, labels)]: steady(bad) },
  labels: { ...WEB, ...labels },
  quiet: { [of(name, labels)]: steady(good) },
})

/** A part of a total, at a bad share and at a good one. */
const share = (part: string, whole: string, [bad, good]: readonly [number, number]): Case => ({
  fires: { [part]: rising(bad), [whole]: rising(1 - bad) },
  labels: {},
  quiet: { [part]: rising(good), [whole]: rising(1 - good) },
})

const counter = (
  name: string,
  [bad, good]: readonly [number, number],
  { own, kept = {} }: { own: Record<string, string>; kept?: Record<string, string> },
): Case => ({
  fires: { [of(name, own)]: rising(bad) },
  labels: kept,
  quiet: { [of(name, own)]: rising(good) },
})

const slow = (
  name: string,
  bad: readonly [string, string],
  own: { labels?: Record<string, string>; kept?: Record<string, string> } = {},
): Case => ({
  fires: histogram(name, bad, own.labels),
  labels: own.kept ?? {},
  quiet: histogram(name, ['0.001', '0.0025'], own.labels),
})

const requests = (status: string) => of('mooring_http_requests_total', { status })
const faults = (fault: string) => of('mooring_faults_total', { fault })
const verdicts = (outcome: string) => of('mooring_verdicts_total', { outcome })

/** The case of each alert. */
const CASES: Readonly<Record<string, Case>> = {
  MooringDown: {
    fires: { [of('up')]: steady(0), [of('mooring_build_info', { version: '1' })]: steady(1) },
    labels: WEB,
    quiet: { [of('up')]: steady(1), [of('mooring_build_info', { version: '1' })]: steady(1) },
  },
  MooringNotReady: gauge('mooring_ready', [0, 1]),
  MooringWorkerNotSeen: {
    ...gauge('mooring_condition', [1, 0], { condition: 'worker_not_seen' }),
    labels: {},
  },
  MooringFailsCallers: {
    fires: { [faults('service_unavailable')]: rising(0.02), [requests('200')]: rising(1) },
    labels: {},
    quiet: { [faults('database_unreachable')]: rising(0.5), [requests('200')]: rising(1) },
  },
  MooringRequestsFail: share(requests('504'), requests('200'), [0.06, 0.04]),
  MooringRequestsSlow: slow('mooring_http_request_seconds', ['10', '30'], {
    labels: { route: 'GET /v1/datasources' },
    kept: { route: 'GET /v1/datasources' },
  }),
  MooringLimitsHit: counter('mooring_limits_hit_total', [2, 0.5], { own: { limit: 'key' }, kept: { limit: 'key' } }),
  MooringPoolExhausted: slow('mooring_pool_wait_seconds', ['0.5', '1'], { kept: { instance: 'web1' } }),
  MooringPoolRefuses: counter('mooring_pool_refused_total', [0.2, 0.05], {
    own: { reason: 'share' },
    kept: { reason: 'share' },
  }),
  MooringDatabaseSlow: slow('mooring_statement_seconds', ['2.5', '5']),
  MooringConnectionsLost: counter('mooring_connections_lost_total', [0.3, 0.1], { own: {} }),
  MooringClockSkewed: gauge('mooring_clock_skew_seconds', [-2, 0.5]),
  MooringQueueStands: {
    ...gauge('mooring_tasks_oldest_due_seconds', [90, 30], { priority: 'asked' }),
    labels: { priority: 'asked' },
  },
  MooringClaimsFail: counter('mooring_claims_failed_total', [0.2, 0.05], { own: { queue: 'tasks' } }),
  MooringTasksFail: counter('mooring_tasks_ended_total', [0.1, 0.01], {
    own: { task: 'verify', result: 'failed' },
    kept: { task: 'verify' },
  }),
  MooringQuarantineFills: {
    fires: { [of('mooring_quarantined_total', { end: 'died' })]: '0x80 1x40' },
    labels: {},
    quiet: {
      [of('mooring_quarantined_total', { end: 'in order' })]: rising(1),
      [of('mooring_tasks_due', { priority: 'quarantine' })]: steady(4),
    },
  },
  MooringDatabasesUnreachable: share(verdicts('unreachable'), verdicts('passed'), [0.6, 0.4]),
  MooringDialsBusy: { ...gauge('mooring_dials_waiting', [1, 0]), labels: { instance: 'web1' } },
  MooringDiallerDies: counter('mooring_dial_processes_ended_total', [0.2, 0.05], {
    own: { reason: 'memory' },
    kept: { reason: 'memory' },
  }),
  MooringFeedsLag: slow('mooring_feed_lag_seconds', ['3600', '21600']),
  MooringRetentionStands: {
    // Time in the test begins at 0, so a run in its first second was 90 minutes ago.
    fires: { [of('mooring_retention_last_turn_timestamp_seconds')]: steady(1) },
    labels: {},
    quiet: { [of('mooring_retention_last_turn_timestamp_seconds')]: '0+60x120' },
  },
  MooringRetentionFails: counter('mooring_retention_turns_total', [0.01, 0.001], { own: { result: 'failed' } }),
  MooringEventLoopLate: gauge('nodejs_eventloop_lag_p99_seconds', [0.6, 0.1]),
  MooringRestarts: {
    fires: { [of('process_start_time_seconds')]: '1x75 2x5 3x5 4x35' },
    labels: WEB,
    quiet: { [of('process_start_time_seconds')]: '1x75 2x45' },
  },
  MooringMemoryGrows: gauge('process_resident_memory_bytes', [1.1e9, 4e8]),
  MooringDescriptorsRunOut: {
    fires: { [of('process_open_fds')]: steady(900), [of('process_max_fds')]: steady(1000) },
    labels: WEB,
    quiet: { [of('process_open_fds')]: steady(700), [of('process_max_fds')]: steady(1000) },
  },
}

/**
 * Returns the input of `promtool test rules` as an object, because JSON is also YAML. Throws for an alert without a
 * case.
 */
export function alertTests(rules: string): { readonly tests: readonly object[]; readonly [field: string]: unknown } {
  const missing = Object.keys(ALERTS).filter(name => CASES[name] === undefined)
  if (missing.length > 0) throw new Error(`alerts without a case in alert-cases.ts: ${missing.join(', ')}`)
  const tests = Object.entries(CASES).flatMap(([alertname, { fires, labels, quiet }]) => {
    const { severity, means, todo } = ALERTS[alertname] ?? { severity: '', means: '', todo: '' }
    const alert = {
      exp_labels: { severity, ...labels },
      exp_annotations: { summary: means, description: todo, runbook_url: runbookOf(alertname) },
    }
    const test = (values: Values, expected: readonly object[]) => ({
      interval: '1m',
      input_series: Object.entries(values).map(([series, text]) => ({ series, values: text })),
      alert_rule_test: [{ eval_time: '90m', alertname, exp_alerts: expected }],
    })
    return [test(fires, [alert]), test(quiet, [])]
  })
  // For an installation from which nothing is scraped.
  const { severity = '', means = '', todo = '' } = ALERTS['MooringDown'] ?? {}
  const nothing = {
    interval: '1m',
    input_series: [{ series: of('mooring_build_info', { version: '1' }), values: `1x60 ${gone}` }],
    alert_rule_test: [
      {
        eval_time: '90m',
        alertname: 'MooringDown',
        exp_alerts: [
          {
            exp_labels: { severity },
            exp_annotations: { summary: means, description: todo, runbook_url: runbookOf('MooringDown') },
          },
        ],
      },
    ],
  }
  return { rule_files: [rules], evaluation_interval: '1m', tests: [...tests, nothing] }
}
