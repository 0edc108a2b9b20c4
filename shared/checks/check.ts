/**
 * The verification checklist: the names of its items, and the shape of a check and an advisory.
 *
 * A failed check is a finding, not an error: it is data for the customer, and its `fix` is text to paste.
 */
import { z } from 'zod'
import { DIRECT_ITEMS, ENDPOINT_ITEMS } from './items.ts'

/** Any item of either checklist. */
export const CheckItem = z.enum([...new Set([...DIRECT_ITEMS, ...ENDPOINT_ITEMS])])
export type CheckItem = z.infer<typeof CheckItem>

/** One line of the checklist. `actual` is the finding, in our words; `fix` is the remedy. */
export const Check = z.object({
  item: CheckItem.describe('The line of the checklist.'),
  outcome: z.enum(['pass', 'fail', 'skipped']).describe('`skipped` where an earlier line made it pointless.'),
  actual: z.string().optional().describe('What was seen, in our words.'),
  fix: z.string().optional().describe('What a person does about it; often SQL to paste.'),
})
export type Check = z.infer<typeof Check>

/** Something that is allowed but should be changed. */
export const Advisory = z.object({
  item: z.string().describe('What it is about.'),
  recommendation: z.string().describe('What would be better.'),
})
export type Advisory = z.infer<typeof Advisory>
