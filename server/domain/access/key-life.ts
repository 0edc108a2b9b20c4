/**
 * How long an organization's key lives on after its successor came: the web tier may hold it for a while, and so may a
 * caller who fetched it to seal with. Pure arithmetic, asked by the web tier and by the worker.
 */

/** How long a web process may go on sealing to a key without another look at its row. */
export const KEY_CACHE_MS = 30_000

/** How long callers may still send what they have sealed to a retired key. */
export const CALLER_GRACE_MS = 600_000

/** How long after its retirement a key's secret half is destroyed at the earliest: by then no sealed task is left, either. */
const DESTROY_AFTER_MS = CALLER_GRACE_MS + 900_000

/** True when what a caller sealed to this key is still taken. */
export function isAcceptedFromCallers(key: { retiredAt: Date | null }, now: Date): boolean {
  return key.retiredAt === null || now.getTime() - key.retiredAt.getTime() <= CALLER_GRACE_MS
}

/** When a retired key's secret half may be destroyed, provided that nothing sealed to it is left. */
export function destroyableAt(retiredAt: Date): Date {
  return new Date(retiredAt.getTime() + DESTROY_AFTER_MS)
}
