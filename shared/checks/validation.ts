/**
 * What `datasources.validate` answers: the checklist of a string that is not registered.
 * It holds our words alone, nothing of the string or the server.
 */
import { z } from 'zod'
import { Advisory, CheckItem } from './check.ts'

/** A check that failed, and what to do about it. */
export const ValidationFailure = z.object({ item: CheckItem, actual: z.string().optional(), fix: z.string() })

/** `reachable`: a connection came about. `ready`: nothing failed. `reason`: the fault code of what did. */
export const Validation = z.object({
  reachable: z.boolean(),
  ready: z.boolean(),
  reason: z.string().optional(),
  failures: z.array(ValidationFailure),
  advisories: z.array(Advisory),
})
export type Validation = z.output<typeof Validation>
