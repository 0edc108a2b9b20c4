/**
 * CPU time of processes, by `/proc` (proc(5)): what a request costs beside how many there are a second.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** Ticks a second of `/proc/<pid>/stat` on Linux, whatever the kernel's own rate is. */
const TICKS = 100

interface Stat {
  readonly parent: number
  readonly ticks: number
  /** Of children that have ended and were waited for. */
  readonly endedTicks: number
}

function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may hold blanks and parentheses; the fields after it do not.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [, parent = 0] = fields
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15)
    return { parent, ticks: user + system, endedTicks: endedUser + endedSystem }
  } catch {
    return null // it has ended since it was listed
  }
}

/** Seconds of CPU that a process has used; NaN for one that has ended. */
export function cpuOf(pid: number): number {
  return (statOf(pid)?.ticks ?? Number.NaN) / TICKS
}

/** Seconds of CPU that a process and its children have used, ended ones too. */
export function cpuOfTree(pid: number): number {
  const own = statOf(pid)
  let ticks = (own?.ticks ?? Number.NaN) + (own?.endedTicks ?? 0)
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null
    if (stat?.parent === pid) ticks += stat.ticks
  }
  return ticks / TICKS
}

/** The process that started a running process. */
export function parentOf(pid: number): number {
  const stat = statOf(pid)
  if (stat === null) throw new Error(`there is no process ${pid}`)
  return stat.parent
}
