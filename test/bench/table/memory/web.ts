/**
 * The rows for the memory of a web tier: idle, after many mixed requests, and during a soak; and for its starts other
 * than the first.
 */
import { memoryOf } from '#test/bench/table/cpu.ts'
import { DIALECTS, groundOf } from '#test/bench/table/ground.ts'
import { runLoad } from '#test/bench/table/measure.ts'
import { median, type Result, type Row } from '#test/bench/table/row.ts'
import type { Site } from '#test/bench/table/site.ts'
import { atMost, LISTENING, laterStarts, mib, settled } from './settled.ts'

/** The soak's seconds for each second of a row: ten minutes in a whole run. */
const SOAK_TIMES = 200
/** Of the parts of the soak's second half the first and the last are compared. */
const PARTS = 5
const SAMPLE_MS = 2_000

/**
 * The web tier: its starts, its idle memory, its memory after enough requests to reach its maximum, and its growth while
 * they go on.
 */
export const web: Row = {
  name: 'idle-web',
  async measure(site, extent) {
    const results: Result[] = []
    for (const [product, target] of [
      [site.checkout, 0.45],
      [site.product, 0.3],
    ] as const) {
      const { last, cpu } = await laterStarts(() => site.startProgram('web', {}, product))
      const name = product === site.product ? 'built' : 'checkout'
      results.push(atMost(`a second start of web, ${name}: CPU of node`, cpu, { target, unit: 's' }))
      if (product !== site.product) {
        await last.stop()
        continue
      }
      await settled()
      results.push(atMost('web, idle: RSS', memoryOf([last.pid]).rss, mib(100)))
      const tier = { pid: last.pid, port: Number((await last.printed(LISTENING))[1]) }
      const time = { startedAtMs: performance.now(), lastsMs: extent.seconds * SOAK_TIMES * 1_000 }
      for (let part = 0; part < 10; part += 1) await mixedLoad(site, tier.port)
      results.push(atMost('web, after 100,000 mixed requests: RSS', memoryOf([last.pid]).rss, mib(150)))
      results.push(await soak(site, tier, time))
      await last.stop()
    }
    return results
  },
}

interface Tier {
  readonly pid: number
  readonly port: number
}

/** Sends 10,000 requests: reads, lists and registrations in both dialects. */
async function mixedLoad(site: Site, port: number): Promise<void> {
  const { ours, id } = await groundOf(site)
  for (const dialect of Object.values(DIALECTS)) {
    const { one, path, body } = dialect
    for (const [requests, load] of [
      [4_000, ours({ paths: [one(id)] })],
      [500, ours({ paths: ['/v1/datasources?limit=20'] })],
      [500, ours({ paths: [path], body: body('mixed_{n}') })],
    ] as const)
      await runLoad(site, { ...load.load, port }, { requests })
  }
}

interface Sample {
  readonly atMs: number
  readonly rss: number
}

/** Continues with the same load until the time is over; returns the growth of resident memory in its second half. */
async function soak(
  site: Site,
  tier: Tier,
  { startedAtMs, lastsMs }: { startedAtMs: number; lastsMs: number },
): Promise<Result> {
  const samples: Sample[] = []
  const look = () => samples.push({ atMs: performance.now(), rss: memoryOf([tier.pid]).rss })
  const watching = setInterval(look, SAMPLE_MS)
  const endsAtMs = startedAtMs + lastsMs
  try {
    do await mixedLoad(site, tier.port)
    while (performance.now() < endsAtMs)
  } finally {
    clearInterval(watching)
  }
  const half = samples.filter(({ atMs }) => atMs >= endsAtMs - lastsMs / 2)
  const part = Math.ceil(half.length / PARTS)
  const medianOf = (some: readonly Sample[]) => median(some.map(({ rss }) => rss))
  const [from, to] = [medianOf(half.slice(0, part)), medianOf(half.slice(-part))]
  const work = `web, growth in the second half of a soak of ${Math.round(lastsMs / 60_000)} minutes: RSS`
  return atMost(work, (100 * (to - from)) / from, { target: 2, unit: '%' })
}
