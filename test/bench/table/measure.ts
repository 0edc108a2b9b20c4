/**
 * Measures two variants by turns, under the same load from another process: rounds are interleaved so that what else the machine
 * does meets both, and the median of the rounds is the result.
 */

import { cpuOf, cpuOfTree } from './cpu.ts'
import type { Load, Measured, Pace } from './load.ts'
import type { LoadAnswer, LoadRequest } from './load-process.ts'
import type { Started } from './processes.ts'
import { type Cpu, type Extent, median, type Result } from './row.ts'

/** What serves a load. */
export interface Variant {
  readonly load: Load
  /** The process of Node that serves it. */
  readonly pid: number
}

/** The means of measuring. */
export interface Bench {
  readonly loader: Started
  /** The postmaster. */
  readonly postgres: number
  /** A number that no request has had, with room for so many behind it. */
  take(count: number): number
}

/** More than any run sends. */
const MANY = 10_000_000

/** One run. Throws where a request failed. */
export async function runLoad(bench: Bench, load: Load, pace: Omit<Pace, 'from'>): Promise<Measured> {
  const { child } = bench.loader
  const answer = new Promise<LoadAnswer>(resolve => child.once('message', told => resolve(told as LoadAnswer)))
  child.send({ load, pace: { ...pace, from: bench.take(pace.requests ?? MANY) } } satisfies LoadRequest)
  const told = await answer
  if ('error' in told) throw new Error(`${load.method} ${load.paths[0]}: ${told.error}`)
  return told.measured
}

interface Round {
  readonly perSecond: number
  readonly p99Ms: number
  readonly cpu: Cpu
}

async function round(bench: Bench, { load, pid }: Variant, pace: Omit<Pace, 'from'>): Promise<Round> {
  const before = { node: cpuOf(pid), postgres: cpuOfTree(bench.postgres) }
  const { requests, perSecond, p99Ms } = await runLoad(bench, load, pace)
  const micros = (seconds: number) => (seconds * 1_000_000) / requests
  const cpu = {
    node: micros(cpuOf(pid) - before.node),
    postgres: micros(cpuOfTree(bench.postgres) - before.postgres),
  }
  return { perSecond, p99Ms, cpu }
}

/** The rounds of each variant, interleaved; each is warmed first where it goes as fast as it can. */
async function rounds(
  bench: Bench,
  variants: readonly Variant[],
  { extent, rate }: { extent: Extent; rate?: number },
): Promise<readonly (readonly Round[])[]> {
  if (rate === undefined)
    for (const { load } of variants) await runLoad(bench, load, { requests: Math.max(extent.warmUp, load.connections) })
  const pace = { seconds: extent.seconds, ...(rate === undefined ? {} : { rate }) }
  const done = variants.map(variant => ({ variant, rounds: [] as Round[] }))
  for (let number = 0; number < extent.rounds; number += 1)
    // The order is turned each time: whoever comes second finds the caches as the first has left them.
    for (const one of number % 2 === 0 ? done : done.toReversed())
      one.rounds.push(await round(bench, one.variant, pace))
  return done.map(one => one.rounds)
}

const medianCpu = (of: readonly Round[]): Cpu => ({
  node: median(of.map(one => one.cpu.node)),
  postgres: median(of.map(one => one.cpu.postgres)),
})

const rateOf = (of: readonly Round[]) => median(of.map(one => one.perSecond))

/** A comparison of rates: the limit is the best of its variants. */
export interface Compared {
  readonly work: string
  readonly target: number
  readonly ours: Variant
  readonly limits: readonly [Variant, ...Variant[]]
  /** How much more CPU than the limit it may take, Node's and PostgreSQL's together; a line of its own. */
  readonly cpuAtMost?: number
}

/** Compares requests a second, and CPU where that has a target. */
export async function compare(bench: Bench, extent: Extent, of: Compared): Promise<readonly Result[]> {
  const [ours = [], ...limits] = await rounds(bench, [of.ours, ...of.limits], { extent })
  const best = limits.toSorted((one, other) => rateOf(other) - rateOf(one))[0] ?? []
  const [rate, limit] = [rateOf(ours), rateOf(best)]
  const cpu = { ours: medianCpu(ours), limit: medianCpu(best) }
  const { work, target, cpuAtMost } = of
  const line = { work, ours: rate, limit, ratio: rate / limit, target, unit: 'requests/s', cpu }
  if (cpuAtMost === undefined) return [line]
  const sum = ({ node, postgres }: Cpu) => node + postgres
  const [used, bare] = [sum(cpu.ours), sum(cpu.limit)]
  const beside = { target: cpuAtMost, atMost: true as const, unit: 'µs of CPU' }
  return [line, { work: `${work}: CPU`, ours: used, limit: bare, ratio: used / bare, ...beside }]
}

/** Compares the 99th percentile of response times, both at half of the highest rate of the first. */
export async function compareP99(
  bench: Bench,
  extent: Extent,
  of: Omit<Compared, 'limits'> & { readonly limit: Variant },
): Promise<Result> {
  const variants = [of.ours, of.limit]
  for (const { load } of variants) await runLoad(bench, load, { requests: extent.warmUp })
  const highest = await runLoad(bench, of.ours.load, { seconds: extent.seconds })
  const done = await rounds(bench, variants, { extent, rate: highest.perSecond / 2 })
  const [ours, limit] = done.map(one => median(one.map(({ p99Ms }) => p99Ms)))
  if (ours === undefined || limit === undefined) throw new Error('nothing was measured')
  const { work, target } = of
  return { work, ours, limit, ratio: ours / limit, target, atMost: true, unit: 'ms' }
}
