/**
 * The form of a metric: one row of the table *Metrics* in `docs/operations.md`. Its labels are closed lists, so that no label can
 * ever hold an organization, a host or an id, whatever the code that counts hands in.
 */

/** Values that a label may have; `route` and `version` are told by their form instead. */
export type LabelValues = readonly string[] | 'route' | 'version'

/** A tier of this product, which serves its metrics on a port of its own. */
export type MeteredTier = 'web' | 'worker'

/** One of our metrics. */
export interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** One sentence: what is counted or measured. It is the `HELP` of the metric. */
  readonly help: string
  readonly labels: Readonly<Record<string, LabelValues>>
  /** Which tiers have it. */
  readonly tiers: readonly MeteredTier[]
  /** Upper bounds of a histogram, in the metric's unit. */
  readonly buckets?: readonly number[]
  /** The alert of `alerts.ts` that it is for; or, in words, which question it answers where nobody need be woken. */
  readonly alert: string
}

/** Both tiers. */
export const BOTH = ['web', 'worker'] as const
/** Seconds of what is quick: statements, waits for a connection. */
export const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15] as const
/** Seconds of what goes over a network, or is waited for. */
export const SLOW = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const
