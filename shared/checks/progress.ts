/**
 * The progress of a running check, as `datasources.progress` answers it: a hint for a person who watches, never a verdict.
 */
import { z } from 'zod'
import { DIAL_ITEMS } from './items.ts'

/** `reached`: the first lines of the checklist that are done with, in their order; empty for a check that has just begun, and for an endpoint. */
export const CheckProgress = z.object({ isRunning: z.boolean(), reached: z.array(z.enum(DIAL_ITEMS)) })
export type CheckProgress = z.output<typeof CheckProgress>
