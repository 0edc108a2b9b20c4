/**
 * One row of the benchmark of a million datasources:
 * one frequent operation.
 */
import type { Site } from './site.ts'

/** One row: a single run. Its preparation, such as choosing a datasource, is not timed. */
export interface Row {
  readonly name: string
  /** How often in one pass. */
  readonly count: number
  prepare(site: Site): Promise<() => Promise<unknown>>
}
