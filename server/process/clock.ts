/**
 * The time that an entry gives to what it starts: the database's. A clock of this machine that differs by more than a second
 * is logged and counted; nothing else depends on it.
 */
import { stampIdsBy } from '#server/domain/access/ids.ts'
import type { Log } from '#server/log.ts'
import { DatabaseClock, type Measured } from '#server/store/database/database-clock.ts'
import type { Db } from '#server/store/tables/tables.ts'

const TOLD_SKEW_MS = 1_000

/** Measures once, and then every minute until the stack ends. Ids are made by this time, too. */
export async function startClock(
  cleanup: AsyncDisposableStack,
  { db, log }: { db: Db; log: Log },
): Promise<() => Date> {
  const clock = new DatabaseClock(db)
  let times = 0
  const onMeasured = ({ skewMs }: Measured) => {
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
