/**
 * How long an installation keeps rows that nobody needs for work any more. Read by `config.ts`, which hands in its own way of
 * reading a variable, so that the sentences about a bad one are all alike.
 */
import type { SettingReader } from '#server/domain/feeds/feed-settings.ts'

/** Times in milliseconds, counted from the end of what a row is of. */
export interface Retention {
  readonly verificationsMs: number
  readonly changesMs: number
  /** How long an idempotency key is good. */
  readonly idempotencyMs: number
  /** Of ended leases. */
  readonly leasesMs: number
  /** Of removed datasources with all that hangs on them, and of retired credentials. */
  readonly removedMs: number
  /** Of revoked keys and ended capabilities. */
  readonly revokedMs: number
  /** Of the record of who did what; it goes by whole months. */
  readonly auditMs: number
}

/** A day in milliseconds. */
export const DAY_MS = 86_400_000
/** The database drops no month that is younger. */
export const MIN_MONTH_DAYS = 30
const MAX_DAYS = 3_650

/** Reads them, in days. Throws what the reader throws. */
export function retentionSettings(read: Pick<SettingReader, 'integer'>): Retention {
  const days = (variable: string, fallback: number, bounds: { min?: number; max?: number } = {}) =>
    DAY_MS * read.integer({ variable, fallback, min: 1, max: MAX_DAYS, ...bounds })
  return {
    verificationsMs: days('MOORING_KEEP_VERIFICATIONS_DAYS', 90, { min: MIN_MONTH_DAYS }),
    changesMs: days('MOORING_KEEP_CHANGES_DAYS', 7, { max: 90 }),
    idempotencyMs: days('MOORING_KEEP_IDEMPOTENCY_DAYS', 1, { max: 30 }),
    leasesMs: days('MOORING_KEEP_LEASES_DAYS', 90),
    removedMs: days('MOORING_KEEP_REMOVED_DAYS', 30),
    revokedMs: days('MOORING_KEEP_REVOKED_DAYS', 400),
    auditMs: days('MOORING_KEEP_AUDIT_DAYS', 400, { min: MIN_MONTH_DAYS }),
  }
}
