/**
 * One row of the benchmark of a million datasources.
 * Each has a thing that is done over and over.
 */
import type { Site } from './site.ts'

/** One row: what is done once. What it does first, such as choosing, is not timed. */
export interface Row {
  readonly name: string
  /** How often in one pass. */
  readonly count: number
  prepare(site: Site): Promise<() => Promise<unknown>>
}
