/**
 * Writers that register and change datasources through both web processes by turns, and repeat unacknowledged requests
 * under the same idempotency key. They record every acknowledged change: none of them may be lost or duplicated.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'

const PACE_MS = 60
const REPEAT_MS = 250
const ATTEMPT_MS = 20_000
const MAX_UPDATES = 2

const Answer = z.object({ result: z.object({ data: z.looseObject({ id: z.string() }) }) })

/** One datasource as its writer knows it. */
export interface Written {
  readonly name: string
  /** Null until its registration is acknowledged. */
  id: string | null
  /** Acknowledged updates; each sets the metadata entry `rev` to its number. */
  updates: number
}

/** The targets of the writers. */
export interface LoadTarget {
  readonly urls: readonly string[]
  readonly key: string
  connectionString(name: string): string
}

/** Running writers. */
export interface Load {
  readonly written: readonly Written[]
  acknowledged(): number
  /** Attempts without an acknowledgement so far, which are repeated. */
  failures(): number
  /** Answers that no outage explains, each once: a 500, or a refusal. */
  readonly strange: ReadonlySet<string>
  /** Registers one more, and returns its id; null if it is not acknowledged at the first attempt. */
  once(url: string): Promise<string | null>
  /** Starts no new write, and resolves when every pending one is acknowledged, or after `giveUpMs`. */
  stop(giveUpMs: number): Promise<void>
}

/** One request, and the key under which it is repeated. */
interface Writing {
  readonly procedure: 'register' | 'update'
  readonly input: { readonly idempotencyKey: string }
}

class Writers implements Load {
  readonly written: Written[] = []
  readonly strange = new Set<string>()
  readonly #target: LoadTarget
  readonly #over = new AbortController()
  readonly #running: Promise<unknown>
  #isStopping = false
  #turn = 0
  #failures = 0

  constructor(target: LoadTarget, writers: number) {
    this.#target = target
    this.#running = Promise.all(Array.from({ length: writers }, () => this.#write()))
  }

  acknowledged(): number {
    return this.written.filter(({ id }) => id !== null).length
  }

  failures(): number {
    return this.#failures
  }

  async once(url: string): Promise<string | null> {
    const { one, writing } = this.#begin()
    one.id = await this.#send(url, writing)
    return one.id
  }

  async stop(giveUpMs: number): Promise<void> {
    this.#isStopping = true
    const timer = setTimeout(() => this.#over.abort(), giveUpMs)
    await this.#running
    clearTimeout(timer)
  }

  #begin(): { one: Written; writing: Writing } {
    const name = `faults ${randomUUID()}`
    const one: Written = { name, id: null, updates: 0 }
    this.written.push(one)
    const input = { connectionString: this.#target.connectionString(name), name, idempotencyKey: randomUUID() }
    return { one, writing: { procedure: 'register', input } }
  }

  async #write(): Promise<void> {
    while (!this.#isStopping) {
      const { one, writing } = this.#begin()
      one.id = await this.#insist(writing)
      for (let rev = 1; rev <= MAX_UPDATES && one.id !== null && !this.#isStopping; rev += 1) {
        const input = { id: one.id, metadata: { rev: String(rev) }, idempotencyKey: randomUUID() }
        if ((await this.#insist({ procedure: 'update', input })) !== null) one.updates = rev
      }
      await wait(PACE_MS)
    }
  }

  async #insist(writing: Writing): Promise<string | null> {
    const { urls } = this.#target
    while (!this.#over.signal.aborted) {
      this.#turn += 1
      const id = await this.#send(urls[this.#turn % urls.length] ?? '', writing)
      if (id !== null) return id
      this.#failures += 1
      await wait(REPEAT_MS, undefined, { signal: this.#over.signal }).catch(() => undefined)
    }
    return null
  }

  #send(url: string, writing: Writing): Promise<string | null> {
    return attempt({ url, key: this.#target.key, strange: this.strange, over: this.#over.signal }, writing)
  }
}

/** Starts this many writers. */
export function startLoad(target: LoadTarget, writers: number): Load {
  return new Writers(target, writers)
}

/** The id in the answer; null when the outcome is unknown or the service is away. */
async function attempt(
  { url, key, over, strange }: { url: string; key: string; strange: Set<string>; over: AbortSignal },
  { procedure, input }: Writing,
): Promise<string | null> {
  try {
    const response = await fetch(`${url}/trpc/datasources.${procedure}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(input),
      signal: AbortSignal.any([over, AbortSignal.timeout(ATTEMPT_MS)]),
    })
    const text = await response.text()
    if (response.ok) return Answer.parse(JSON.parse(text)).result.data.id
    // 503 means that the database is away; 429 and 504 that this caller has to wait.
    if (![503, 429, 504].includes(response.status)) strange.add(`${procedure} ${response.status} ${text.slice(0, 200)}`)
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) strange.add(String(error))
  }
  return null
}
