/**
 * The store's refusals because of existing rows. `api/procedure/store-fault.ts` decides how callers see them.
 */

/** The organization has as many of something as it may have. Nothing was written. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached'
}

/** Another datasource of the organization has this natural key. Nothing was changed. */
export class NaturalKeyTaken extends Error {
  override readonly name = 'NaturalKeyTaken'
}
