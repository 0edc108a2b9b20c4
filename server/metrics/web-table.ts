/**
 * Metrics of the web tier: requests, refusals, and connected callers.
 * A part of the table in `table.ts`.
 */
import { FAULT_CODES, STATUSES, SURFACES } from './labels.ts'
import { type Metric, SLOW } from './metric.ts'

const WEB = ['web'] as const

/** Rows of the table. */
export const WEB_METRICS = {
  mooring_http_requests_total: {
    kind: 'counter',
    help: 'Answered requests, by API, route or procedure, and status.',
    labels: { surface: SURFACES, route: 'route', status: STATUSES },
    tiers: WEB,
    alert: 'MooringRequestsFail',
  },
  mooring_http_request_seconds: {
    kind: 'histogram',
    help: 'How long a request took, from its head to the end of its answer; subscriptions are left out.',
    labels: { surface: SURFACES, route: 'route' },
    tiers: WEB,
    buckets: SLOW,
    alert: 'MooringRequestsSlow',
  },
  mooring_http_requests_running: {
    kind: 'gauge',
    help: 'Requests in progress, including subscriptions.',
    labels: {},
    tiers: WEB,
    alert: 'how busy is each process?',
  },
  mooring_faults_total: {
    kind: 'counter',
    help: 'Faults returned to callers, by code; one for each call of a batch.',
    labels: { surface: SURFACES, fault: FAULT_CODES },
    tiers: WEB,
    alert: 'MooringFailsCallers',
  },
  mooring_subscribers: {
    kind: 'gauge',
    help: 'Open subscriptions.',
    labels: {},
    tiers: WEB,
    alert: 'how many are connected, and do they come back after a restart?',
  },
  mooring_waiting_callers: {
    kind: 'gauge',
    help: 'Callers that wait for a worker.',
    labels: {},
    tiers: WEB,
    alert: 'do callers wait for workers?',
  },
} as const satisfies Readonly<Record<string, Metric>>
