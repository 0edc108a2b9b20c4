/**
 * How late an event came. Never negative, whatever the customer's clock says; null for an event that does not say when it happened.
 * The feed's chart and its list use it.
 */
import type { RecentEvent } from '#shared/feeds/recent.ts'

/** In milliseconds. */
export function latenessOf({ occurredAtMs, storedAtMs }: RecentEvent): number | null {
  return occurredAtMs === null ? null : Math.max(0, storedAtMs - occurredAtMs)
}
