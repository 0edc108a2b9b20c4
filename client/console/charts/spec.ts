/**
 * The content of a chart: labelled series of values, coloured
 * by meaning. Created by pages, drawn by `draw.ts`.
 */

/** A colour, by its meaning. */
export type ChartTone = 'chart-1' | 'chart-2' | 'chart-3' | 'chart-4' | 'chart-5'

/** One series: a value for each label, null if there is none. `tones` colours individual bars. */
export interface Series {
  readonly name: string
  readonly tone: ChartTone
  readonly values: readonly (number | null)[]
  readonly tones?: readonly ChartTone[]
}

/** The content of a chart. */
export interface ChartSpec {
  readonly kind: 'bar' | 'line'
  readonly labels: readonly string[]
  readonly series: readonly Series[]
  readonly isStacked?: boolean
  /** Draws the bars from left to right, with the labels beside them. */
  readonly isHorizontal?: boolean
  /** Formats a value. */
  readonly format: (value: number) => string
}
