/**
 * Runs retention as a worker does, at a time of the test's choice.
 * It needs only a database and a clock, no worker.
 */
import { retentionSettings } from '#server/domain/tasks/retention-settings.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { purgeExpired, type RetentionPeriods } from '#server/work/retention.ts'

/** The default times. */
export const RETENTION = retentionSettings({ integer: ask => ask.fallback })

/**
 * One turn of everything, this many milliseconds from now. Events of feeds are kept for ever unless `eventsMs` is set.
 */
export function purgeLater(db: Db, ms: number, kept: Partial<RetentionPeriods> = {}): Promise<void> {
  const clock = () => new Date(Date.now() + ms)
  return purgeExpired(
    { db, clock },
    { kept: { retention: RETENTION, eventsMs: 1e12, ...kept }, goesOn: () => Promise.resolve(true) },
  )
}
