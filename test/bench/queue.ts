/**
 * The queue under a backlog: the rows that a claim reads and its duration, how fast several workers drain the queue,
 * how long callers wait meanwhile, and the cost of a check for a worker apart from its dial. `npm run bench:queue` with
 * 1,000,000 tasks due, `npm run bench:queue -- 50000` with another number. Ends with an error if a bound is missed.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { argv, stdout } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { newId } from '#server/domain/access/ids.ts'
import { openDb } from '#server/store/database/db.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { claimChoice } from '#server/store/tasks/claim-choice.ts'
import type { Claimed } from '#test/bench/support/queue-claimer.ts'
import { costOfChecks } from '#test/bench/support/queue-cost.ts'
import { query, startServer } from '#test/support/database/postgres.ts'
import { makeBacklog, readingOf } from '#test/support/tasks/backlog.ts'

const due = Number(argv[2] ?? 1_000_000)
/** A hundred tasks for each; half of the tasks belong to one of them. */
const organizations = Math.max(100, Math.round(due / 100))
const WORKERS = 4
const DRAIN_MS = 10_000
const CALLERS = 40
const MOST_ROWS = 1_300
const MOST_WAIT_MS = 5_000
const SCHEDULED = 2
const NOBODY = '00000000-0000-0000-0000-000000000000'

await using cleanup = new AsyncDisposableStack()
const server = await startServer()
cleanup.defer(() => server.stop())

function say(line: string): void {
  stdout.write(`${line}\n`)
}

function bound(holds: boolean, missed: string): void {
  if (!holds) throw new Error(missed)
}

async function emptyQueue(name: string): Promise<string> {
  const url = await server.createDatabase(name)
  await migrate(url)
  return url
}

/** Milliseconds of a claim in the database, the minimum of several, since other programs may use this machine. */
async function claimIn(url: string): Promise<number> {
  const db = openDb({ url, size: 1, setsDeadlines: true, onError: () => undefined })
  const ask = { kinds: ['verify' as const], limit: 8, perOrganization: 3, held: [], leaseMs: 60_000, now: new Date() }
  const statement = claimChoice({ ...ask, priority: SCHEDULED, after: NOBODY, newestFirst: null })
  const times: number[] = []
  for (const plan of ['custom', 'generic'] as const) {
    for (let round = 0; round < 5; round += 1) {
      const reading = await readingOf(db, url, { statement, plan })
      times.push(reading.ms)
      if (round === 0) say(`  ${plan} plan: ${reading.rows} rows, ${reading.buffers} pages, ${reading.claimed} claimed`)
      bound(reading.rows <= MOST_ROWS, `a claim reads ${reading.rows} rows`)
    }
  }
  await db.destroy()
  return Math.min(...times)
}

async function dueNow(url: string): Promise<number> {
  const [row] = await query(url, 'select count(*)::int as due from tasks where due_at <= now()')
  return Number(row?.['due'])
}

async function startClaimer(url: string) {
  const child = fork(fileURLToPath(new URL('support/queue-claimer.ts', import.meta.url)), {
    env: { DATABASE_URL: url },
  })
  cleanup.defer(() => void child.kill())
  await once(child, 'message')
  return {
    async stop(): Promise<Claimed> {
      const answer = once(child, 'message')
      child.send('stop')
      const [claimed] = await answer
      return claimed
    },
  }
}

/** Requests checks one after the other, each for an organization without other work, and returns each one's wait. */
async function callers(url: string): Promise<number[]> {
  const waits: number[] = []
  for (let count = 0; count < CALLERS; count += 1) {
    const [org, id] = [newId(), newId()]
    const askedAt = performance.now()
    await query(
      url,
      `set session_replication_role = replica;
       insert into organizations (id, name, created_at) values ('${org}', 'Caller', now());
       insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
       values ('${org}', '${id}', 'verify', '${newId()}', true, now(), now())`,
    )
    for (;;) {
      const [row] = await query(
        url,
        `select settled::int as settled from tasks where org_id = '${org}' and id = '${id}'`,
      )
      if (row?.['settled'] === 1) break
      bound(performance.now() - askedAt < 10 * MOST_WAIT_MS, 'a caller is not served')
      await delay(5)
    }
    waits.push(performance.now() - askedAt)
    await delay(DRAIN_MS / CALLERS / 2)
  }
  return waits.sort((a, b) => a - b)
}

function report(ends: readonly Claimed[], { seconds, waits }: { waits: readonly number[]; seconds: number }): void {
  const ids = ends.flatMap(end => end.ids)
  const total = (ofOne: (end: Claimed) => number) => ends.reduce((sum, end) => sum + ofOne(end), 0)
  const [batches, full] = [total(end => end.batches), total(end => end.fullBatches)]
  const times = ends.flatMap(end => end.claimMs).sort((a, b) => a - b)
  const at = (list: readonly number[], share: number) => Math.round(list[Math.floor((list.length - 1) * share)] ?? 0)
  say(
    `${WORKERS} workers: ${Math.round(ids.length / seconds)} tasks/s claimed and settled, ${full} of ${batches} batches full`,
  )
  say(`  a claim: ${at(times, 0.5)} ms in the middle, ${at(times, 0.99)} ms of 99 in 100`)
  say(`  callers meanwhile: served after ${at(waits, 0.5)} ms in the middle, ${at(waits, 1)} ms at most`)
  bound(new Set(ids).size === ids.length, 'a task was claimed twice')
  bound(full >= batches * 0.99, 'batches are not full')
  bound(at(waits, 1) <= MOST_WAIT_MS, 'a caller waited for longer than five seconds')
}

const few = await emptyQueue('few')
await makeBacklog(few, { tasks: 1_000, organizations: 100, ofOne: 50 })
say('1000 due')
const ofFew = await claimIn(few)
const many = await emptyQueue('many')
await makeBacklog(many, { tasks: due, organizations, ofOne: 50 })
say(`${due} due, half of them of one organization, the others of ${organizations}`)
const ofMany = await claimIn(many)
say(
  `  a claim takes ${ofMany.toFixed(1)} ms in the database: × ${(ofMany / ofFew).toFixed(1)} of the one with 1000 due`,
)
const before = await dueNow(many)
const claimers = await Promise.all(Array.from({ length: WORKERS }, () => startClaimer(many)))
const startedAt = performance.now()
const waits = await callers(many)
const ends = await Promise.all(claimers.map(one => one.stop()))
report(ends, { waits, seconds: (performance.now() - startedAt) / 1_000 })
const gone = before + CALLERS - (await dueNow(many))
say(
  `  the backlog went from ${before} to ${before + CALLERS - gone}: by what was settled, ${CALLERS} of callers among it`,
)
bound(gone === ends.reduce((sum, end) => sum + end.ids.length, 0), 'the backlog does not go down by what was settled')
const [hot] = await query(
  many,
  "select round(100.0 * n_tup_hot_upd / n_tup_upd) as share from pg_stat_user_tables where relname = 'tasks'",
)
say(`  of the updates ${hot?.['share']} % wrote no index`)
const cost = await costOfChecks(cleanup, server)
say(
  `a check costs its worker ${cost.toFixed(1)} ms of CPU apart from the dial: a million a day are ${(cost / 86.4).toFixed(2)} of a core`,
)
bound(cost / 86.4 < 0.5, 'a million checks a day cost half a core')
