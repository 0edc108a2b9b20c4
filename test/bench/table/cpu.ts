/**
 * CPU time and memory of processes, from `/proc` (proc(5)): the cost of a request in addition to requests per second,
 * and the memory of an idle process.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** Ticks per second in `/proc/<pid>/stat` on Linux, whatever the kernel's own tick rate. */
const TICKS = 100

interface Stat {
  readonly parent: number
  readonly ticks: number
  /** Ticks of children that have ended and been waited for. */
  readonly endedTicks: number
}

function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may contain blanks and parentheses; the fields after it do not.
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

/** Returns the CPU seconds of a process; NaN if it has ended. */
export function cpuOf(pid: number): number {
  return (statOf(pid)?.ticks ?? Number.NaN) / TICKS
}

/** Returns the CPU seconds of a process and its children, including ended ones. */
export function cpuOfTree(pid: number): number {
  const own = statOf(pid)
  let ticks = (own?.ticks ?? Number.NaN) + (own?.endedTicks ?? 0)
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null
    if (stat?.parent === pid) ticks += stat.ticks
  }
  return ticks / TICKS
}

/** Returns the CPU microseconds of a process with all of its threads, as the scheduler counts them. */
export function microsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const nanos = threads.map(one => Number(readFileSync(`/proc/${pid}/task/${one}/schedstat`, 'latin1').split(' ')[0]))
  return nanos.reduce((sum, one) => sum + one, 0) / 1000
}

/** Returns the parent of a running process. */
export function parentOf(pid: number): number {
  const stat = statOf(pid)
  if (stat === null) throw new Error(`there is no process ${pid}`)
  return stat.parent
}

/** Returns a process and all of its descendants. */
export function treeOf(pid: number): readonly number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null
    if (stat !== null) parents.set(Number(name), stat.parent)
  }
  const below = (process: number): number[] =>
    [...parents].flatMap(([one, parent]) => (parent === process ? [one, ...below(one)] : []))
  return [pid, ...below(pid)]
}

/** Returns the processes whose command line contains the text. */
export function running(pids: readonly number[], text: string): readonly number[] {
  return pids.filter(pid => (readOrNull(`/proc/${pid}/cmdline`) ?? '').includes(text))
}

/**
 * Memory of processes in MiB: the sum of their resident pages, the same with shared pages counted once, and the pages
 * that are not shared.
 */
export interface Memory {
  readonly rss: number
  readonly pss: number
  readonly uss: number
}

/**
 * Returns the total memory of processes. The kernel's own PSS is not used, because it would include the benchmark's
 * processes, which run the same programs.
 */
export function memoryOf(pids: readonly number[]): Memory {
  const sum = { rss: 0, uss: 0 }
  const shared = new Map<string, number>()
  for (const pid of pids)
    for (const mapping of (readOrNull(`/proc/${pid}/smaps`) ?? '').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
      const mib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(mapping)?.[1] ?? 0) / 1024
      const [range = '', , offset = '', device = '', inode = '0'] = mapping.split(/\s+/, 5)
      const place = inode === '0' ? range : `${device} ${inode} ${offset}`
      sum.rss += mib('Rss')
      sum.uss += mib('Private_Clean') + mib('Private_Dirty')
      const ofAll = mib('Shared_Clean') + mib('Shared_Dirty')
      shared.set(place, Math.max(ofAll, shared.get(place) ?? 0))
    }
  const once = [...shared.values()].reduce((all, one) => all + one, 0)
  return { ...sum, pss: sum.uss + once }
}

/** Returns null for a process that has ended since it was listed. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}
