/**
 * The state machine of a capability, as one total table. An ended capability never becomes active again.
 * Pure.
 */

/** The state of a capability at a given time. */
export type CapabilityState = 'active' | 'expired' | 'revoked'

/**
 * The events of a capability. A rotation with grace brings its expiry forward and leaves it active; one without revokes
 * it.
 */
export type CapabilityEvent = 'rotated_with_grace' | 'rotated' | 'revoked' | 'expired'

/** Every state and its response to every event. A revocation is also recorded for an expired capability. */
export const CAPABILITY_TRANSITIONS: Readonly<
  Record<CapabilityState, Readonly<Record<CapabilityEvent, CapabilityState>>>
> = {
  active: { rotated_with_grace: 'active', rotated: 'revoked', revoked: 'revoked', expired: 'expired' },
  expired: { rotated_with_grace: 'expired', rotated: 'expired', revoked: 'revoked', expired: 'expired' },
  revoked: { rotated_with_grace: 'revoked', rotated: 'revoked', revoked: 'revoked', expired: 'revoked' },
}

/** The state of a row at `now`. */
export function capabilityState(
  row: { readonly revoked_at: Date | null; readonly expires_at: Date },
  now: Date,
): CapabilityState {
  if (row.revoked_at !== null) return 'revoked'
  return row.expires_at <= now ? 'expired' : 'active'
}
