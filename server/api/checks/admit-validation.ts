/**
 * Counts the validations of a capability: each is a dial of its holder's
 * choice, which no datasource quota limits.
 */

import { over } from '#server/api/caller/limits.ts'
import type { KnownContext } from '#server/api/context.ts'

/** Admits a validation. Throws `rate_limit_exceeded` for a capability that has used up its hourly limit. */
export async function admitValidation({ principal, deps }: KnownContext): Promise<void> {
  if (principal.kind !== 'capability') return
  const count = await deps.limits.validations.take(principal.id, 1)
  if (count.isOver) throw over(count)
}
