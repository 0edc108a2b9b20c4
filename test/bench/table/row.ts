/**
 * The form of a row in the table of `npm run bench`: Mooring's work, a limit measured in the same run, and the ratio to
 * reach.
 */
import type { Site } from './site.ts'

/** CPU of one unit of work in microseconds, for the processes of Node and of PostgreSQL. */
export interface Cpu {
  readonly node: number
  readonly postgres: number
}

/** One line of `results.json`. Units are those of the row: requests per second, milliseconds, MiB. */
export interface Result {
  readonly work: string
  readonly ours: number
  /** Null if the target is an absolute number; `ratio` is then `ours`. */
  readonly limit: number | null
  readonly ratio: number
  readonly target: number
  /** True if lower is better. */
  readonly atMost?: true
  readonly unit: string
  readonly cpu?: { readonly ours: Cpu; readonly limit: Cpu }
}

/** The length of a run. */
export interface Extent {
  readonly rounds: number
  /** The seconds of each variant in each round. */
  readonly seconds: number
  /** The number of requests of each variant before the first round. */
  readonly warmUp: number
}

/** Measures one or several lines. Throws if any single request fails. */
export interface Row {
  /** The name by which `--rows` selects it. */
  readonly name: string
  measure(site: Site, extent: Extent): Promise<readonly Result[]>
}

/** True if the line reaches its target. */
export function isReached({ ratio, target, atMost }: Result): boolean {
  return atMost === true ? ratio <= target : ratio >= target
}

/** Returns the median. Throws for an empty list. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]
  if (middle === undefined) throw new Error('there is no median of nothing')
  return middle
}
