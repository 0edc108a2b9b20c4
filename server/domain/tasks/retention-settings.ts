/**
 * How long an installation keeps rows that its work no longer needs. `config.ts` reads the settings and supplies the
 * functions that read a variable, so that all messages about an invalid one are alike.
 */
import type { SettingReader } from '#server/domain/feeds/feed-settings.ts'

/** Retention periods in milliseconds, counted from the end of the object that a row describes. */
export interface Retention {
  readonly verificationsMs: number
  readonly changesMs: number
  /** How long an idempotency key is valid. */
  readonly idempotencyMs: number
  /** For ended leases. */
  readonly leasesMs: number
  /** For removed datasources with their dependent rows, and for retired credentials. */
  readonly removedMs: number
  /** For revoked keys and ended capabilities. */
  readonly revokedMs: number
  /** For the audit record, which is dropped in whole months. */
  readonly auditMs: number
}

/** A day in milliseconds. */
export const DAY_MS = 86_400_000
/** The database drops no month that is younger. */
export const MIN_MONTH_DAYS = 30
const MAX_DAYS = 3_650

/** Reads the settings, in days. Throws what the reader throws. */
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
