/**
 * Tests wait for events, not for a time that suffices on a quiet machine, and random choices in them can be repeated.
 * The exceptions below have reasons: the time itself is under test, or the test asserts that nothing happens for a
 * while.
 */
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { readSources, sourceOf } from '#test/support/house/architecture/source.ts'
import { waitsOf } from '#test/support/house/waits.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** How often a file sleeps, and why. */
const SLEEPS: Readonly<Record<string, readonly [number, string]>> = {
  'test/attacks/neighbours/keyless-push.test.ts': [1, 'pushes are limited by the second'],
  'test/attacks/sizes/process-ignores-sigterm.test.ts': [
    2,
    'no watchdog ends what the machine has stopped for longer than the grace',
  ],
  'test/attacks/sizes/streams.test.ts': [1, 'half a second of an idle loop is what the others are compared with'],
  'test/attacks/sizes/task-takes-workers-down.test.ts': [1, 'for five seconds there are never three in quarantine'],
  'test/attacks/trust/a-lease-that-anybody-could-have-sealed.test.ts': [1, 'a lease of a second runs out'],
  'test/database/database-away.test.ts': [1, 'a session is terminated while it executes a statement'],
  'test/database/lanes.test.ts': [1, 'a slow statement, which the others overtake'],
  'test/datasources/idempotency.test.ts': [1, 'the pause between two looks at a lock'],
  'test/datasources/updated-since.test.ts': [1, 'until the clock of the database is past a date'],
  'test/datasources/with-datasource.test.ts': [1, 'a lease of a second runs out'],
  'test/dials/postgres-session.test.ts': [1, 'a statement that the end of its session interrupts'],
  'test/feeds/customer-outbox.test.ts': [1, 'transactions of several lengths, which overlap'],
  'test/http/http-exchange.test.ts': [1, 'a connection is idle for longer than headers may take'],
  'test/schemas/hostile-catalog.test.ts': [1, 'a view that would sleep if it were executed'],
  'test/operations/rolling-restart.test.ts': [1, 'callers leave the machine time for what they call'],
  'test/house/waits.test.ts': [1, 'the example below'],
  'test/support/access/procedures.ts': [1, 'a subscription is refused within the time, or is not'],
  'test/support/dials/hostile-postgres.ts': [1, 'a server drips'],
  'test/support/nth/task-story.ts': [1, 'the pause between two looks at the tasks of an organization'],
  'test/tasks/batch-size.test.ts': [2, 'a batch that takes too long'],
  'test/support/operations/balancer.ts': [1, 'a balancer looks once a second, and is asked what it has seen'],
}
const CHANCE: Readonly<Record<string, readonly [number, string]>> = {
  'test/database/lock-order.test.ts': [1, 'the seed itself, which is printed'],
  'test/support/http/ways-of-calling.ts': [1, 'an idempotency key, made in browsers too'],
  'test/support/operations/free-port.ts': [1, 'any port that nobody has'],
}
/** Separate programs, which measure and break things by time; `test/faults` prints its seed. */
const APART = /^test\/(bench|faults|soak)\/|^test\/book\/(?!.*\.test\.ts$)/

it('No test sleeps in the hope that something has happened by then', async () => {
  expect(await counted('sleep')).toEqual(countsOf(SLEEPS))
})

it('No test makes a random choice without a printed seed that repeats it', async () => {
  expect(await counted('chance')).toEqual(countsOf(CHANCE))
})

it('The check finds sleeps and random choices in each of their forms', () => {
  const text = `
    import { setTimeout as sleep } from 'node:timers/promises'
    import timers from 'timers/promises'
    await sleep(5)
    await timers.setTimeout(5)
    await new Promise(resolve => setTimeout(resolve, 5))
    await new Promise<void>(resolve => setTimeout(() => resolve(), 5))
    setTimeout(() => over.resolve({ done: true }), 5)
    const late = response => setTimeout(() => response.end(), 5)
    const seed = Math.random()
    const port = randomInt(5)
    fc.sample(values, { numRuns: 2 })
    fc.sample(values, { numRuns: 2, seed: 7 })
    const name = randomUUID()
    setTimeout(over.resolve, 5)
    await once(AbortSignal.timeout(5), 'abort')
    await client.query('select pg_sleep(5)')
    await client.query(\`select pg_sleep(\${seconds})\`)`
  const found = waitsOf(sourceOf('test/one.test.ts', text)).map(({ kind, line }) => `${line} ${kind}`)
  const sleeps = [4, 5, 6, 7, 8].map(line => `${line} sleep`)
  const chances = [10, 11, 12].map(line => `${line} chance`)
  expect(found).toEqual([...sleeps, ...chances, ...[15, 16, 17, 18].map(line => `${line} sleep`)])
})

async function counted(kind: 'sleep' | 'chance'): Promise<Record<string, number>> {
  const sources = await readSources(root, ['test'])
  const counts: Record<string, number> = {}
  for (const found of sources.flatMap(waitsOf))
    if (found.kind === kind && !APART.test(found.path)) counts[found.path] = (counts[found.path] ?? 0) + 1
  return counts
}

function countsOf(places: typeof SLEEPS): Record<string, number> {
  return Object.fromEntries(Object.entries(places).map(([path, [count]]) => [path, count]))
}
