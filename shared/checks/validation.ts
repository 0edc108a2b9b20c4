/**
 * The answer of `datasources.validate`: the checklist of an unregistered string. It holds only our own words, nothing
 * from the string or the server.
 */
import { z } from 'zod'
import { Advisory, CheckItem } from './check.ts'

/** A failed check, and its remedy. */
export const ValidationFailure = z.object({ item: CheckItem, actual: z.string().optional(), fix: z.string() })

/** `reachable`: a connection was established. `ready`: nothing failed. `reason`: the fault code of the failure. */
export const Validation = z.object({
  reachable: z.boolean(),
  ready: z.boolean(),
  reason: z.string().optional(),
  failures: z.array(ValidationFailure),
  advisories: z.array(Advisory),
})
export type Validation = z.output<typeof Validation>
