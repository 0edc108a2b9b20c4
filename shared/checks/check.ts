/**
 * The verification checklist: the names of its items, and the shapes of a check and an advisory.
 *
 * A failed check is not an error but data for the customer; its `fix` is text to paste.
 */
import { z } from 'zod'
import { DIRECT_ITEMS, ENDPOINT_ITEMS } from './items.ts'

/** An item of either checklist. */
export const CheckItem = z.enum([...new Set([...DIRECT_ITEMS, ...ENDPOINT_ITEMS])])
export type CheckItem = z.infer<typeof CheckItem>

/** One line of the checklist. `actual` states the finding in our own words; `fix` is the remedy. */
export const Check = z.object({
  item: CheckItem.describe('The line of the checklist.'),
  outcome: z
    .enum(['pass', 'fail', 'skipped'])
    .describe('`skipped` if the failure of an earlier line made it pointless.'),
  actual: z.string().optional().describe('The finding, in words of Mooring.'),
  fix: z.string().optional().describe('The remedy, for people to read; often SQL to paste.'),
})
export type Check = z.infer<typeof Check>

/** A property that is allowed but should be changed. */
export const Advisory = z.object({
  item: z.string().describe('The subject of the advisory.'),
  recommendation: z.string().describe('The recommended change.'),
})
export type Advisory = z.infer<typeof Advisory>
