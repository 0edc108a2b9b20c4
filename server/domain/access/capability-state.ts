/**
 * The state machine of a capability: one total table. None comes back to life; a further token is a further capability. Pure.
 */

/** The state of a capability at a time. */
export type CapabilityState = 'active' | 'expired' | 'revoked'

/** Its events. A rotation leaves it active for the grace that its expiry is brought forward to, or revokes it. */
export type CapabilityEvent = 'rotated_with_grace' | 'rotated' | 'revoked' | 'expired'

/** Every state and everything that can happen in it. A revocation is recorded of one that has expired, too. */
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
