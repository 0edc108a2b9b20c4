/**
 * CPU time and memory of processes, by `/proc` (proc(5)): what a request costs beside how many there are a second, and what a
 * process holds while nobody asks for anything.
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

/** Microseconds of CPU of a process with all of its threads, as the scheduler counts them. */
export function microsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const nanos = threads.map(one => Number(readFileSync(`/proc/${pid}/task/${one}/schedstat`, 'latin1').split(' ')[0]))
  return nanos.reduce((sum, one) => sum + one, 0) / 1000
}

/** The process that started a running process. */
export function parentOf(pid: number): number {
  const stat = statOf(pid)
  if (stat === null) throw new Error(`there is no process ${pid}`)
  return stat.parent
}

/** A process and all below it. */
export function treeOf(pid: number): readonly number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null
    if (stat !== null) parents.set(Number(name), stat.parent)
  }
  const below = (of: number): number[] =>
    [...parents].flatMap(([one, parent]) => (parent === of ? [one, ...below(one)] : []))
  return [pid, ...below(pid)]
}

/** Those of the processes whose command line has this text. */
export function running(pids: readonly number[], text: string): readonly number[] {
  return pids.filter(pid => (readOrNull(`/proc/${pid}/cmdline`) ?? '').includes(text))
}

/** Memory of processes in MiB: the sum of their resident pages; the same with shared pages counted once; and pages that are theirs alone. */
export interface Memory {
  readonly rss: number
  readonly pss: number
  readonly uss: number
}

/** The memory of processes together. Those of the benchmark run the same programs: the kernel's own PSS would count them in. */
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

/** Null for what has ended since it was listed. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}
