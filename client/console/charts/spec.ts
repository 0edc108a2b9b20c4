/**
 * The content of a chart: series of values under labels, coloured by what they mean.
 * Made by pages, drawn by `draw.ts`.
 */

/** A colour by what it means. */
export type ChartTone = 'chart-1' | 'chart-2' | 'chart-3' | 'chart-4' | 'chart-5'

/** One series: a value for each label, null where there is none. `tones` colours single bars. */
export interface Series {
  readonly name: string
  readonly tone: ChartTone
  readonly values: readonly (number | null)[]
  readonly tones?: readonly ChartTone[]
}

/** What is drawn. */
export interface ChartSpec {
  readonly kind: 'bar' | 'line'
  readonly labels: readonly string[]
  readonly series: readonly Series[]
  readonly isStacked?: boolean
  /** Bars from left to right, with their labels beside them. */
  readonly isHorizontal?: boolean
  /** A value as it is shown. */
  readonly format: (value: number) => string
}
