/**
 * Pagination: the request for one page of a
 * list, and the maximum size of a page.
 */
import { z } from 'zod'

/** The maximum number of rows on a page. */
export const MAX_PAGE = 100

/** A page request: up to `limit` rows after the opaque `cursor`, which comes from the previous page. */
export const PageInput = z.object({
  limit: z.number().int().min(1).max(MAX_PAGE).default(20),
  cursor: z.string().max(200).optional(),
})
