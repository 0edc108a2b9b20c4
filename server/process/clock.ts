/**
 * The time that an entry passes to its parts: the database's. If this machine's clock differs by more than a second,
 * that is logged and counted; nothing else depends on it.
 */
import { stampIdsBy } from '#server/domain/access/ids.ts'
import type { Log } from '#server/log.ts'
import type { Meter } from '#server/metrics/meter.ts'
import { DatabaseClock, type Measured } from '#server/store/database/database-clock.ts'
import type { Db } from '#server/store/tables/tables.ts'

const TOLD_SKEW_MS = 1_000

/** Measures once, and then every minute until the stack is disposed. Ids use this time, too. */
export async function startClock(
  cleanup: AsyncDisposableStack,
  { db, log, meter }: { db: Db; log: Log; meter: Meter },
): Promise<() => Date> {
  const clock = new DatabaseClock(db)
  let [times, skewSeconds] = [0, 0]
  meter.gauge('mooring_clock_skew_seconds', () => [{ labels: {}, value: skewSeconds }])
  const onMeasured = ({ skewMs }: Measured) => {
    skewSeconds = skewMs / 1000
    if (Math.abs(skewMs) <= TOLD_SKEW_MS) return
    times += 1
    log.warn({ skewMs, times }, "the clock of this machine differs from the database's; the database's is used")
  }
  onMeasured(await clock.measure())
  clock.start({
    onMeasured,
    onError: cause =>
      log.warn({ stage: 'clock', cause }, "the database's time could not be read; the last measurement is used"),
  })
  cleanup.defer(() => clock.stop())
  const now = () => clock.now()
  stampIdsBy(now)
  return now
}
