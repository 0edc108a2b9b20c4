/**
 * Shared by the rows for memory and for starts: repeated starts, the wait until a process is idle, and lines whose
 * target is an absolute number.
 */
import { cpuOf, running, treeOf } from '#test/bench/table/cpu.ts'
import type { Started } from '#test/bench/table/processes.ts'
import { median, type Result } from '#test/bench/table/row.ts'

const SETTLE_MS = 15_000
const STARTS = 3
/** The name of a dialling process. */
export const CHILD = 'dial-child'
/** The log line of a tier that serves, with its port. */
export const LISTENING = /"port":(\d+)/

/** Waits until garbage from the start has been collected. */
export const settled = () => new Promise(resolve => setTimeout(resolve, SETTLE_MS))

/** Returns a line whose figure must not exceed its target. */
export const atMost = (work: string, ours: number, goal: { target: number; unit: string }): Result => ({
  ...{ work, ours, limit: null, ratio: ours, atMost: true },
  ...goal,
})

/** A target in MiB. */
export const mib = (target: number) => ({ target, unit: 'MiB' })

/** Starts repeatedly and keeps the last one running; the first one does not count. */
export async function laterStarts(start: () => Started): Promise<{ last: Started; cpu: number }> {
  const cpu: number[] = []
  for (let number = 0; ; number += 1) {
    const last = start()
    await last.printed(LISTENING)
    const nodes = [last.pid, ...running(treeOf(last.pid), CHILD)]
    if (number > 0) cpu.push(nodes.reduce((sum, pid) => sum + cpuOf(pid), 0))
    if (number === STARTS) return { last, cpu: median(cpu) }
    await last.stop()
  }
}
