/**
 * The order for the process of one task: the database, the keyring, and the claim. It goes through a pipe.
 * Written by the worker's wiring, read by `quarantine.ts`.
 */
import type { OwnPlace } from '#server/domain/network/host-policy.ts'
import type { Claim } from '#server/store/tasks/claims.ts'

/** Settings that the process of one task inherits from its worker. */
export interface QuarantinePlace {
  readonly databaseUrl: string
  /** Whether `MOORING_KEYRING` names the folder of both keyrings. */
  readonly isKeyringFolder: boolean
  /** Never dialled for a customer. */
  readonly ownPlaces: readonly OwnPlace[]
}

/** The order. */
export interface QuarantineOrder extends QuarantinePlace {
  /** Its payload in base64. */
  readonly claim: Omit<Claim, 'payload'> & { readonly payload: string | null }
  /** From when it begins until it is killed. */
  readonly deadlineMs: number
}

/** The order for a claim. */
export function quarantineOrder(place: QuarantinePlace, claim: Claim, deadlineMs: number): QuarantineOrder {
  const { payload, ...rest } = claim
  return { ...place, deadlineMs, claim: { ...rest, payload: payload?.toString('base64') ?? null } }
}
