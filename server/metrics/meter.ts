/**
 * Counts and observes: a metric's name, its labels, a number. Passed as an argument like a logger; every layer may use
 * its type, and only the wiring creates one. Counting never throws and never waits.
 */
import type { METRICS, MetricName } from './table.ts'

/** The names of one kind. */
type NamesOf<K extends string> = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never
}[MetricName]

/** The labels of a metric. A value that is not in its list is counted as `other`. */
export type LabelsOf<N extends MetricName> = { readonly [L in keyof (typeof METRICS)[N]['labels']]: string }

/** One value of a gauge. */
export interface GaugeReading<N extends MetricName> {
  readonly labels: LabelsOf<N>
  readonly value: number
}

/** Records metrics for one process. */
export interface Meter {
  /** Adds one to a counter. */
  count<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>): void
  /** Adds to a counter. */
  add<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>, by: number): void
  /** Records one measurement of a histogram, in the metric's unit. */
  observe<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void
  /**
   * The function that adds to one series of a counter, for a caller who counts often: its labels are checked once.
   * Undefined before the metrics of its tier exist.
   */
  counter<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>): ((by: number) => void) | undefined
  /** The function that records measurements in one series of a histogram, likewise. */
  histogram<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>): ((value: number) => void) | undefined
  /**
   * Registers a reader that is called at each scrape. Several readers of one gauge are all called. One that throws, or
   * returns nothing, contributes no values.
   */
  gauge<N extends NamesOf<'gauge'>>(
    name: N,
    read: () => Promise<readonly GaugeReading<N>[]> | readonly GaugeReading<N>[],
  ): void
}
