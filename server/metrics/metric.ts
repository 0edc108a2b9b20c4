/**
 * The form of a metric: one row of the table *Metrics* in `docs/operations.md`. Its labels are closed lists, so that no
 * label can ever contain an organization, a host or an id, whatever the counting code passes in.
 */

/** Values that a label may have; `route` and `version` are recognised by their form instead. */
export type LabelValues = readonly string[] | 'route' | 'version'

/** A tier of this product, which serves its metrics on its own port. */
export type MeteredTier = 'web' | 'worker'

/** One of our metrics. */
export interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** One sentence: what is counted or measured. It is the metric's `HELP` text. */
  readonly help: string
  readonly labels: Readonly<Record<string, LabelValues>>
  /** The tiers that have it. */
  readonly tiers: readonly MeteredTier[]
  /** The upper bounds of a histogram's buckets, in the metric's unit. */
  readonly buckets?: readonly number[]
  /** The alert in `alerts.ts` that uses it; or, in words, the question that it answers if nobody need be alerted. */
  readonly alert: string
}

/** Both tiers. */
export const BOTH = ['web', 'worker'] as const
/** Buckets in seconds for quick operations: statements, waits for a connection. */
export const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15] as const
/** Buckets in seconds for network operations and waits. */
export const SLOW = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const
