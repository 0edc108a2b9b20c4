/**
 * Searches the memory of a running process, by `/proc/<pid>/mem` (proc(5)): everything that it holds, in any form.
 *
 * A parent may read its child as an ordinary user too, under Yama's `ptrace_scope` 0 and 1. If reading is forbidden,
 * this throws: a search that could not run must not look like one that found nothing.
 */
import { open, readFile } from 'node:fs/promises'

/** A searched text, by a name. */
export type Needles = Readonly<Record<string, Uint8Array>>

const CHUNK_BYTES = 4 << 20

interface Region {
  readonly start: number
  readonly end: number
}

/** How often each needle occurs. Throws if the memory cannot be read. */
export async function searchMemory(pid: number, needles: Needles): Promise<Record<string, number>> {
  const found: Record<string, number> = Object.fromEntries(Object.keys(needles).map(name => [name, 0]))
  const overlap = Math.max(...Object.values(needles).map(needle => needle.length)) - 1
  const memory = await open(`/proc/${pid}/mem`, 'r').catch((cause: unknown) => {
    throw new Error(`The memory of process ${pid} may not be read here; kernel.yama.ptrace_scope may be 2 or 3.`, {
      cause,
    })
  })
  let bytes = 0
  try {
    for (const region of await readable(pid)) bytes += await searchRegion(memory, region, { needles, found, overlap })
  } finally {
    await memory.close()
  }
  if (bytes < 16 << 20) throw new Error(`Only ${bytes} bytes of the memory of process ${pid} could be read.`)
  return found
}

async function readable(pid: number): Promise<Region[]> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8')
  return maps.split('\n').flatMap(line => {
    const [, start, end, rights, path = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line) ?? []
    const isLookedAt =
      rights?.startsWith('r') === true && !/^\[v(var|syscall|dso)/.test(path) && !path.startsWith('/dev/')
    if (start === undefined || end === undefined || !isLookedAt) return []
    return [{ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) }]
  })
}

async function searchRegion(
  memory: Awaited<ReturnType<typeof open>>,
  { start, end }: Region,
  { overlap, needles, found }: { needles: Needles; found: Record<string, number>; overlap: number },
): Promise<number> {
  const buffer = Buffer.alloc(CHUNK_BYTES + overlap)
  let [kept, total] = [0, 0]
  for (let at = start; at < end; at += CHUNK_BYTES) {
    const wanted = Math.min(CHUNK_BYTES, end - at)
    // A page that was released meanwhile, or is unreadable, is an error of its region and of no other.
    const { bytesRead } = await memory.read(buffer, kept, wanted, at).catch(() => ({ bytesRead: 0 }))
    if (bytesRead === 0) return total
    total += bytesRead
    const seen = buffer.subarray(0, kept + bytesRead)
    // A match that lies wholly in the kept part was counted with the chunk before.
    for (const [name, needle] of Object.entries(needles))
      found[name] = (found[name] ?? 0) + count(seen, needle, kept - needle.length + 1)
    const tail = Math.min(overlap, seen.length)
    seen.copy(buffer, 0, seen.length - tail)
    kept = tail
  }
  return total
}

function count(within: Buffer, needle: Uint8Array, from: number): number {
  let times = 0
  for (let at = within.indexOf(needle, Math.max(0, from)); at >= 0; at = within.indexOf(needle, at + 1)) times += 1
  return times
}
