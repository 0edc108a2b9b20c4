/**
 * Counts and observes: a name of the table, its labels, a number. Passed as an argument like a logger; every layer may name its type, and
 * the wiring alone makes one. Counting never throws and never waits.
 */
import type { METRICS, MetricName } from './table.ts'

/** The names of one kind. */
type NamesOf<K extends string> = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never
}[MetricName]

/** The labels of a metric. A value that its list lacks is counted as `other`. */
export type LabelsOf<N extends MetricName> = { readonly [L in keyof (typeof METRICS)[N]['labels']]: string }

/** One number of a gauge. */
export interface GaugeReading<N extends MetricName> {
  readonly labels: LabelsOf<N>
  readonly value: number
}

/** Counts, for one process. */
export interface Meter {
  /** Adds one to a counter. */
  count<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>): void
  /** Adds to a counter. */
  add<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>, by: number): void
  /** Notes one measurement of a histogram, in the metric's unit. */
  observe<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void
  /**
   * Says how a gauge is read, at each scrape. Several that say it for one gauge are all read. One that throws, or answers
   * nothing, leaves its numbers out.
   */
  gauge<N extends NamesOf<'gauge'>>(
    name: N,
    read: () => Promise<readonly GaugeReading<N>[]> | readonly GaugeReading<N>[],
  ): void
}
