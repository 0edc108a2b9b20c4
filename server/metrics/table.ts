/**
 * The table *Metrics*: everything that `/metrics` returns. `npm run dump` writes `docs/operations.md` from it, and the
 * dashboard is checked against it. Nothing else can be counted.
 */
import type { Metric } from './metric.ts'
import { SHARED_METRICS } from './shared-table.ts'
import { WEB_METRICS } from './web-table.ts'
import { WORKER_METRICS } from './worker-table.ts'

/** All of our metrics, by name. */
export const METRICS = { ...SHARED_METRICS, ...WEB_METRICS, ...WORKER_METRICS } as const

/** The name of a metric. */
export type MetricName = keyof typeof METRICS

/** The row of a metric. */
export function metricSpec(name: MetricName): Metric {
  return METRICS[name]
}
