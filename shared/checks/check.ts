/**
 * The verification checklist: the names of its items, and the shape of a check and an advisory.
 *
 * A failed check is a finding, not an error: it is data for the customer, and its `fix` is text to paste.
 */
import { z } from 'zod'

/** The items of a direct datasource's checklist, in the order in which they are tried. */
export const DIRECT_ITEMS = [
  'host',
  'connect',
  'tls',
  'authenticate',
  'database',
  'server_version',
  'role_superuser',
  'role_bypassrls',
  'role_membership',
  'role_server_files',
  'role_replication',
  'role_createrole',
  'role_provider_admin',
  'role_row_security',
  'schema',
] as const
/** An item of a direct datasource's checklist. */
export type DirectItem = (typeof DIRECT_ITEMS)[number]

/** The items of a signed endpoint's checklist, in the order in which they are tried. */
export const ENDPOINT_ITEMS = ['host', 'connect', 'tls', 'signature', 'answer'] as const

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
