/**
 * `npm run test:faults`: applies one fault after the other to an installation of real processes and prints a row for
 * each. It ends with status 1 if an acknowledged change was lost, duplicated or not delivered, or the service did not
 * recover.
 *
 * npm run -s test:faults [-- --sample] [--seed N] [NAME …]
 *
 * `--sample` takes some of the faults, chosen by the seed, within three minutes. Every process that it started ends
 * with it.
 */
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startServer } from '#test/support/database/postgres.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import type { Chance, Fault } from './fault.ts'
import { FAULTS } from './faults.ts'
import { countOutcome, deliveries, head, isGood, line, type Outcome } from './outcome.ts'
import { untilBack } from './recovery.ts'
import { makeScene, type Scene } from './scene.ts'

/** A sample begins no fault that would end later, and is aborted at the end of its three minutes. */
const SAMPLE_MS = 120_000
const SAMPLE_ENDS_MS = 175_000
const SETTLE_MS = 1_000
const GIVE_UP_MS = 30_000
const TOLD_MS = 5_000
const LOOK_MS = 100

const say = (text: string) => void process.stdout.write(text)

/** Numbers from a seed (mulberry32), so that a run can be repeated. */
function chanceOf(seed: number): Chance {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Run {
  readonly customer: Customer
  readonly chance: Chance
  readonly isSample: boolean
  readonly everything: AsyncDisposableStack
}

async function runFault(fault: Fault, { customer, chance, isSample, everything }: Run): Promise<Outcome> {
  const cleanup = new AsyncDisposableStack()
  everything.defer(() => cleanup.disposeAsync())
  try {
    const scene = await makeScene((await fault.scene?.(cleanup)) ?? {}, { customer, cleanup })
    const lasts = isSample ? Math.max(fault.lastsSeconds / 2, fault.feltAfterSeconds ?? 0) : fault.lastsSeconds
    const wrong: string[] = []
    await wait(SETTLE_MS * chance())
    scene.readiness.since()
    const failures = scene.load.failures()
    const end = await fault.begin(scene, chance)
    const spared = fault.sparesMeanwhile
    const meanwhile = spared === undefined ? null : await untilBack(scene, fault.withinSeconds, spared)
    await wait(lasts * 1_000)
    if (fault.isUnready === true && !isSample) wrong.push(...(await thoseReady(scene)))
    // A fault without an effect proves nothing.
    if (spared !== 'everyone' && scene.load.failures() === failures) wrong.push('no write failed meanwhile')
    await end()
    const readiness = scene.readiness.since().join(', ')
    const after = await untilBack(scene, fault.withinSeconds)
    const seconds = spared !== undefined && after !== null ? meanwhile : after
    await scene.load.stop(GIVE_UP_MS)
    await allTold(scene)
    wrong.push(...scene.load.strange, ...((await fault.after?.(scene)) ?? []))
    return await countOutcome(scene, { fault: fault.name, seconds, readiness, wrong })
  } finally {
    await cleanup.disposeAsync()
  }
}

/** Each web process that reports readiness at the height of a fault that blocks all writes. */
async function thoseReady({ urls }: Scene): Promise<string[]> {
  const answers = urls.map(async (url, at) => {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => null)
    if (answer === null) return [`web-${at + 1} does not say whether it is ready`]
    return answer.status === 503 ? [] : [`web-${at + 1} says ${answer.status} of its readiness`]
  })
  return (await Promise.all(answers)).flat()
}

/** The last acknowledged changes are on their way to the subscribers. */
async function allTold(scene: Scene): Promise<void> {
  const until = performance.now() + TOLD_MS
  while (deliveries(scene).missed > 0 && performance.now() < until) await wait(LOOK_MS)
}

/** Shuffles the faults by the seed: a sample consists of the first ones, as many as its time allows. */
function shuffled(faults: readonly Fault[], chance: Chance): Fault[] {
  return faults
    .map(fault => ({ fault, at: chance() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ fault }) => fault)
}

/** The faults that were run, and their results. */
interface Counts {
  good: number
  bad: number
  readonly leftOut: string[]
}

async function runAll(chosen: readonly Fault[], run: Run): Promise<Counts> {
  const counts: Counts = { good: 0, bad: 0, leftOut: [] }
  const startedAt = performance.now()
  let longestMs = 0
  for (const fault of chosen) {
    const beganAt = performance.now()
    // The machine may be slow: the next one begins if it ends in time even when it takes as long as the longest so far.
    if (run.isSample && beganAt - startedAt + longestMs > SAMPLE_MS) break
    const why = (await fault.leftOut?.()) ?? null
    if (why !== null) {
      counts.leftOut.push(`Left out: ${fault.name}, since ${why}.\n`)
      continue
    }
    // A fault that cannot run to its end counts as a failure, and the others still run.
    const outcome = await runFault(fault, run).catch((error: Error) => error)
    const isBad = outcome instanceof Error || !isGood(outcome)
    counts[isBad ? 'bad' : 'good'] += 1
    longestMs = Math.max(longestMs, performance.now() - beganAt)
    say(outcome instanceof Error ? `| ${fault.name} | it broke off\n  ! ${outcome.stack}\n` : line(outcome))
  }
  return counts
}

async function main(everything: AsyncDisposableStack): Promise<number> {
  const options = { sample: { type: 'boolean' }, seed: { type: 'string' } } as const
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
  const chance = chanceOf(seed)
  const isSample = values.sample === true
  const named = FAULTS.filter(({ name }) => positionals.length === 0 || positionals.some(word => name.includes(word)))
  say(`Faults of our own database, by the seed ${seed}${isSample ? ', a sample' : ''}; there are ${FAULTS.length}.\n\n`)
  const tls = await selfSigned({ names: ['localhost'], addresses: ['127.0.0.1'] })
  const customers = await startServer({ tls })
  everything.defer(() => customers.stop())
  const customer = await makeCustomer(undefined, customers.adminUrl)
  say(head())
  const chosen = isSample ? shuffled(named, chance) : named
  const { good, bad, leftOut } = await runAll(chosen, { customer, chance, isSample, everything })
  say(`\n${leftOut.join('')}${good} good, ${bad} bad, ${leftOut.length} left out.\n`)
  return bad === 0 && good > 0 ? 0 : 1
}

const everything = new AsyncDisposableStack()
// One folder for all files, so that an aborted run leaves nothing behind.
const folder = await mkdtemp(join(tmpdir(), 'mooring-faults-'))
process.env['TMPDIR'] = folder
const leave = async (status: number, why: string) => {
  say(why)
  await everything.disposeAsync().catch((error: unknown) => say(`${String(error)}\n`))
  await rm(folder, { recursive: true, force: true })
  process.exit(status)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void leave(130, `${signal}\n`))
if (process.argv.includes('--sample'))
  setTimeout(() => void leave(1, '\nThe sample did not end within its time.\n'), SAMPLE_ENDS_MS).unref()
try {
  const status = await main(everything)
  await leave(status, '')
} catch (error) {
  await leave(1, `${error instanceof Error ? error.stack : String(error)}\n`)
}
