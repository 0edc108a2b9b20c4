/**
 * Calls that continue while a step of the book runs: writers register databases through a balancer and repeat
 * unacknowledged calls under the same `Idempotency-Key`. At the end, each acknowledged datasource must exist exactly
 * once.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Balancer, startBalancer } from '#test/support/operations/balancer.ts'

const WRITERS = 2
const PAUSE_MS = 100
const CALL_MS = 20_000
/**
 * The minimum number of acknowledged calls before a step begins, and again before the load ends; fewer prove nothing.
 */
const LEAST = 10
const LEAST_MS = 120_000

/** The result of the calls. */
export interface Outcome {
  readonly acknowledged: number
  /** Messages of failed calls, which were repeated until they succeeded. */
  readonly failed: readonly string[]
  /** Datasources that were acknowledged but do not exist afterwards. */
  readonly lost: readonly string[]
}

/** Load that can be started and stopped. */
export interface Load {
  begin(key: string): Promise<void>
  end(): Promise<Outcome>
  stop(): Promise<void>
}

/** Creates load through a balancer over these web processes, which need not run yet. */
export async function createLoad(webs: readonly string[]): Promise<Load> {
  const balancer = await startBalancer()
  const given = webs.map(url => balancer.add(url))
  let [writing, goesOn, key] = [Promise.resolve(), false, '']
  const acknowledged: string[] = []
  const failed: string[] = []
  const writer = async () => {
    while (goesOn) {
      const id = await registered(balancer, key, failed)
      if (id !== null) acknowledged.push(id)
      await delay(PAUSE_MS)
    }
  }
  return {
    async begin(given_) {
      key = given_
      acknowledged.length = 0
      failed.length = 0
      goesOn = true
      await Promise.race(given)
      writing = Promise.all(Array.from({ length: WRITERS }, writer)).then(() => undefined)
      await more(acknowledged)
    },
    async end() {
      await more(acknowledged).finally(() => {
        goesOn = false
      })
      await writing
      const lost: string[] = []
      for (const id of acknowledged) if (!(await isThere(balancer, key, id))) lost.push(id)
      if (new Set(acknowledged).size !== acknowledged.length) lost.push('two calls were acknowledged with one id')
      return { acknowledged: acknowledged.length, failed: [...failed], lost }
    },
    stop: () => balancer.stop(),
  }
}

/** Resolves when this many more calls have been acknowledged. */
async function more(acknowledged: readonly string[]): Promise<void> {
  const enough = acknowledged.length + LEAST
  const until = performance.now() + LEAST_MS
  while (acknowledged.length < enough) {
    if (performance.now() > until) throw new Error(`only ${acknowledged.length} calls were acknowledged`)
    await delay(PAUSE_MS)
  }
}

const headersOf = (key: string) => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' })

/** Registers one database, with as many attempts as necessary; returns its id. */
async function registered({ url }: Balancer, key: string, failed: string[]): Promise<string | null> {
  const once = randomUUID()
  const body = JSON.stringify({ connectionString: `postgres://app:secret@127.0.0.1:1/load_${once}` })
  const headers = { ...headersOf(key), 'idempotency-key': once }
  const until = performance.now() + 6 * CALL_MS
  while (performance.now() < until) {
    const answer = await fetch(`${url}/v1/datasources`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(CALL_MS),
    }).catch((error: Error) => error)
    if (answer instanceof Error) failed.push(answer.message)
    else {
      const text = await answer.text()
      if (answer.status === 201) return String(JSON.parse(text).id)
      failed.push(`${answer.status} ${text.slice(0, 200)}`)
    }
    await delay(PAUSE_MS)
  }
  failed.push('a registration was given up')
  return null
}

async function isThere({ url }: Balancer, key: string, id: string): Promise<boolean> {
  const answer = await fetch(`${url}/v1/datasources/${id}`, { headers: headersOf(key) })
  await answer.text()
  return answer.ok
}
