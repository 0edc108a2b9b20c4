/**
 * Counts the validations of a capability: each is a dial of its holder's choice, which no datasource's quota bounds.
 */

import { over } from '#server/api/caller/limits.ts'
import type { KnownContext } from '#server/api/context.ts'

/** Lets a validation in. Throws `rate_limit_exceeded` for a capability that has had its hour's. */
export async function admitValidation({ principal, deps }: KnownContext): Promise<void> {
  if (principal.kind !== 'capability') return
  const count = await deps.limits.validations.take(principal.id, 1)
  if (count.isOver) throw over(count)
}
