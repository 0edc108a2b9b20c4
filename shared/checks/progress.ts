/**
 * The progress of a running check, as `datasources.progress` returns it: a hint for a person who is watching, never a
 * verdict.
 */
import { z } from 'zod'
import { DIAL_ITEMS } from './items.ts'

/**
 * `reached` lists the first lines of the checklist that are complete, in order. It is empty for a check that has just
 * begun and for a signed endpoint.
 */
export const CheckProgress = z.object({ isRunning: z.boolean(), reached: z.array(z.enum(DIAL_ITEMS)) })
export type CheckProgress = z.output<typeof CheckProgress>
