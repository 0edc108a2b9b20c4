/**
 * What the store refuses because of rows that are there. What that is to a caller, whoever answers callers decides
 * (`api/procedure/store-fault.ts`).
 */

/** The organization has as many of something as it may have. Nothing was written. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached'
}

/** Another datasource of the organization has this natural key. Nothing was changed. */
export class NaturalKeyTaken extends Error {
  override readonly name = 'NaturalKeyTaken'
}
