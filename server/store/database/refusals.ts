/**
 * The refusals that the store throws because of existing rows.
 * `api/procedure/store-fault.ts` maps them to faults.
 */

/** The organization has reached the limit on a resource. Nothing was written. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached'
}

/** Another datasource of the organization has this natural key. Nothing was changed. */
export class NaturalKeyTaken extends Error {
  override readonly name = 'NaturalKeyTaken'
}
