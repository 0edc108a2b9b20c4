/**
 * Pages:
 * requests for parts of a list, and their maximum size.
 */
import { z } from 'zod'

/** The most rows of a page. */
export const MAX_PAGE = 100

/** A page request: `limit` rows after the opaque `cursor` of the page before. */
export const PageInput = z.object({
  limit: z.number().int().min(1).max(MAX_PAGE).default(20),
  cursor: z.string().max(200).optional(),
})
