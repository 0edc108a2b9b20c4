/**
 * The delay between an event and its arrival: never negative, whatever the customer's clock says; null for an event
 * without a time. The feed's chart and its list use it.
 */
import type { RecentEvent } from '#shared/feeds/recent.ts'

/** Returns the delay in milliseconds. */
export function latenessOf({ occurredAtMs, storedAtMs }: RecentEvent): number | null {
  return occurredAtMs === null ? null : Math.max(0, storedAtMs - occurredAtMs)
}
