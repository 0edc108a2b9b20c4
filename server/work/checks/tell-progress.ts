/**
 * Reports the progress of a running check, for callers who watch it.
 *
 * It never delays the check, and decides nothing. A check that ends quickly reports nothing: its verdict is available.
 * Called by the check of a database.
 */
import * as checkProgress from '#server/store/tasks/check-progress.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import { aboutTask } from '#server/work/about-task.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import type { DialItem } from '#shared/checks/items.ts'

/** The delay between passing an item and the write that reports it; items passed in the meantime are included. */
const TELL_AFTER_MS = 250

/**
 * Runs a check. Its `work` calls `onPassed` with each item; at most one write is in progress, and it has ended when
 * this resolves.
 */
export async function tellingProgress<T>(
  deps: Pick<WorkerDeps, 'db' | 'log'>,
  claim: Claim,
  work: (onPassed: (item: DialItem) => void) => Promise<T>,
): Promise<T> {
  const state: { last: DialItem | null; timer: NodeJS.Timeout | null; write: Promise<void> } = {
    last: null,
    timer: null,
    write: Promise.resolve(),
  }
  const tell = async (item: DialItem) => {
    await checkProgress.save(deps.db, claim, item).catch((cause: unknown) => {
      deps.log.info({ ...aboutTask(claim), cause }, 'the progress of a check could not be recorded')
    })
  }
  const later = () => {
    state.timer = setTimeout(() => {
      const { last } = state
      if (last === null) return
      state.last = null
      state.write = state.write.then(() => tell(last))
      state.timer = null
    }, TELL_AFTER_MS)
  }
  try {
    return await work(item => {
      state.last = item
      if (state.timer === null) later()
    })
  } finally {
    if (state.timer !== null) clearTimeout(state.timer)
    await state.write
  }
}
