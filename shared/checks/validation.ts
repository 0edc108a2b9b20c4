/**
 * The answer of `datasources.validate`: the checklist of a connection string that is not registered. It holds only our
 * own words and nothing from the string or the server.
 */
import { z } from 'zod'
import { Advisory, CheckItem } from './check.ts'

/** A failed check and its remedy. */
export const ValidationFailure = z.object({ item: CheckItem, actual: z.string().optional(), fix: z.string() })

/**
 * `reachable`: a connection was established. `ready`: no check failed. `reason`: the fault code of the first failure.
 */
export const Validation = z.object({
  reachable: z.boolean(),
  ready: z.boolean(),
  reason: z.string().optional(),
  failures: z.array(ValidationFailure),
  advisories: z.array(Advisory),
})
export type Validation = z.output<typeof Validation>
