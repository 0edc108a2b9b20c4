/**
 * The order for a single-task process: the database, the keyring, and the claim. It is sent through a pipe. Written by
 * the worker's wiring, read by `quarantine.ts`.
 */
import type { OwnPlace } from '#server/domain/network/host-policy.ts'
import type { Claim } from '#server/store/tasks/claims.ts'

/** Settings that a single-task process inherits from its worker. */
export interface QuarantinePlace {
  readonly databaseUrl: string
  /** True if `MOORING_KEYRING` names the folder of both keyrings. */
  readonly isKeyringFolder: boolean
  /** Places that are never dialled for a customer. */
  readonly ownPlaces: readonly OwnPlace[]
}

/** The order. */
export interface QuarantineOrder extends QuarantinePlace {
  /** The claim, with its payload in base64. */
  readonly claim: Omit<Claim, 'payload'> & { readonly payload: string | null }
  /** The time from its beginning until it is killed. */
  readonly deadlineMs: number
}

/** Creates the order for a claim. */
export function quarantineOrder(place: QuarantinePlace, claim: Claim, deadlineMs: number): QuarantineOrder {
  const { payload, ...rest } = claim
  return { ...place, deadlineMs, claim: { ...rest, payload: payload?.toString('base64') ?? null } }
}
