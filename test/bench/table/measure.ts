/**
 * Compares two variants under the same load from another process. Rounds are interleaved so that other activity of the
 * machine affects both, and the result is the median of the rounds.
 */

import { cpuOf, cpuOfTree } from './cpu.ts'
import type { Load, Measured, Pace } from './load.ts'
import type { LoadAnswer, LoadRequest } from './load-process.ts'
import type { Started } from './processes.ts'
import { type Cpu, type Extent, median, type Result } from './row.ts'

/** A server under load. */
export interface Variant {
  readonly load: Load
  /** The Node process that serves it. */
  readonly pid: number
}

/** The means of measuring. */
export interface Bench {
  readonly loader: Started
  /** The process id of the postmaster. */
  readonly postgres: number
  /** Reserves consecutive request numbers that no request has used, and returns the first of them. */
  take(count: number): number
}

/** More requests than any run sends. */
const MANY = 10_000_000

/** Runs one load. Throws if a request fails. */
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

/** Runs the rounds of each variant, interleaved. A variant at full speed is warmed up first. */
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
    // The order is reversed each round, because the second variant finds the caches as the first has left them.
    for (const one of number % 2 === 0 ? done : done.toReversed())
      one.rounds.push(await round(bench, one.variant, pace))
  return done.map(one => one.rounds)
}

const medianCpu = (measured: readonly Round[]): Cpu => ({
  node: median(measured.map(one => one.cpu.node)),
  postgres: median(measured.map(one => one.cpu.postgres)),
})

const rateOf = (measured: readonly Round[]) => median(measured.map(one => one.perSecond))

/** A comparison of rates. The limit is the best of its variants. */
export interface Compared {
  readonly work: string
  readonly target: number
  readonly ours: Variant
  readonly limits: readonly [Variant, ...Variant[]]
  /** The maximum ratio of CPU to that of the limit, Node and PostgreSQL together; reported on a line of its own. */
  readonly cpuAtMost?: number
}

/** Compares requests per second, and CPU if there is a target for it. */
export async function compare(bench: Bench, extent: Extent, compared: Compared): Promise<readonly Result[]> {
  const [ours = [], ...limits] = await rounds(bench, [compared.ours, ...compared.limits], { extent })
  const best = limits.toSorted((one, other) => rateOf(other) - rateOf(one))[0] ?? []
  const [rate, limit] = [rateOf(ours), rateOf(best)]
  const cpu = { ours: medianCpu(ours), limit: medianCpu(best) }
  const { work, target, cpuAtMost } = compared
  const line = { work, ours: rate, limit, ratio: rate / limit, target, unit: 'requests/s', cpu }
  if (cpuAtMost === undefined) return [line]
  const sum = ({ node, postgres }: Cpu) => node + postgres
  const [used, bare] = [sum(cpu.ours), sum(cpu.limit)]
  const beside = { target: cpuAtMost, atMost: true as const, unit: 'µs of CPU' }
  return [line, { work: `${work}: CPU`, ours: used, limit: bare, ratio: used / bare, ...beside }]
}

/** Compares the 99th percentile of response times, both at half of the highest rate of the first variant. */
export async function compareP99(
  bench: Bench,
  extent: Extent,
  compared: Omit<Compared, 'limits'> & { readonly limit: Variant },
): Promise<Result> {
  const variants = [compared.ours, compared.limit]
  for (const { load } of variants) await runLoad(bench, load, { requests: extent.warmUp })
  const highest = await runLoad(bench, compared.ours.load, { seconds: extent.seconds })
  const done = await rounds(bench, variants, { extent, rate: highest.perSecond / 2 })
  const [ours, limit] = done.map(one => median(one.map(({ p99Ms }) => p99Ms)))
  if (ours === undefined || limit === undefined) throw new Error('nothing was measured')
  const { work, target } = compared
  return { work, ours, limit, ratio: ours / limit, target, atMost: true, unit: 'ms' }
}
