/**
 * The form of a row of the table that `npm run bench` makes: work of Mooring's beside a limit that is measured in the same run,
 * and the ratio that it should reach.
 */
import type { Site } from './site.ts'

/** CPU of one unit of work, in microseconds: of the processes of Node and of PostgreSQL. */
export interface Cpu {
  readonly node: number
  readonly postgres: number
}

/** One line of `results.json`. Units are those of the row: requests a second, milliseconds, MiB. */
export interface Result {
  readonly work: string
  readonly ours: number
  /** Null where the target is a number of its own: `ratio` is then `ours`. */
  readonly limit: number | null
  readonly ratio: number
  readonly target: number
  /** True where less is better. */
  readonly atMost?: true
  readonly unit: string
  readonly cpu?: { readonly ours: Cpu; readonly limit: Cpu }
}

/** How long a run takes. */
export interface Extent {
  readonly rounds: number
  /** Of each variant in each round. */
  readonly seconds: number
  /** Requests of each variant before the first round. */
  readonly warmUp: number
}

/** What measures one or several lines. A failure of any single request is thrown. */
export interface Row {
  /** By which `--rows` chooses it. */
  readonly name: string
  measure(site: Site, extent: Extent): Promise<readonly Result[]>
}

/** True for a line that reaches its target. */
export function isReached({ ratio, target, atMost }: Result): boolean {
  return atMost === true ? ratio <= target : ratio >= target
}

/** The middle one. Throws for none. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]
  if (middle === undefined) throw new Error('there is no median of nothing')
  return middle
}
