/**
 * Reads stored snapshots in threads, two at a time: the loop of a web process never unpacks or parses a whole one. A reading
 * that finds no thread within its time is refused with 503; one that grows too large or takes too long is ended.
 */
import { Worker } from 'node:worker_threads'
import { Fault } from '#shared/fault.ts'
import { SNAPSHOT_BOUNDS } from '#shared/snapshot-bounds.ts'
import type { Ask, StoredPart } from './snapshot-part.ts'

/** Threads at a time, in each web process. */
export const READERS = 2
/** Readings that wait for a thread; beyond them 503. */
export const MAX_WAITING_READINGS = 20
/** Answers of one request, all calls of its batch together, as JSON. */
export const MAX_ANSWER_BYTES = 16 << 20

const READING_MS = 10_000
const HEAP_MIB = 512

/** How much of an answer one request still may have. Its calls share it. */
export interface AnswerBudget {
  leftBytes: number
}

/** A packed snapshot, and the part that is asked for. */
export interface PartAsked {
  readonly content: Uint8Array
  readonly observed: Uint8Array
  readonly ask: Ask
}

/** The readers of one web process. */
export class SnapshotReader {
  readonly #waiting: (() => void)[] = []
  #free = READERS

  /**
   * The part as it is answered. Throws `service_unavailable` where too many wait, and `response_too_large`, which names
   * `schema` and `table`, where the request has had its share of answers.
   */
  async read(asked: PartAsked, budget: AnswerBudget): Promise<unknown> {
    await this.#turn()
    try {
      const { bytes, part } = await inThread({
        ...asked,
        maxBytes: budget.leftBytes,
        maxUnpackedBytes: SNAPSHOT_BOUNDS.maxBytes,
      })
      // Another call of the batch may have had its share meanwhile.
      if (part === undefined || bytes > budget.leftBytes) throw tooLarge()
      budget.leftBytes -= bytes
      return JSON.parse(Buffer.from(part).toString('utf8'))
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }

  async #turn(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1
      return
    }
    if (this.#waiting.length >= MAX_WAITING_READINGS)
      throw new Fault('service_unavailable', { headers: { 'Retry-After': '1' } })
    await new Promise<void>(resolve => this.#waiting.push(resolve))
  }
}

function tooLarge(): Fault {
  const message = 'That is more than one answer may hold: ask for one schema, or one table.'
  const issues = ['schema', 'table'].map(field => ({ path: [field], code: 'too_large', message }))
  return new Fault('response_too_large', { issues })
}

interface Part {
  readonly bytes: number
  readonly part?: Uint8Array
}

/** Throws `service_unavailable` for a thread that was ended: the snapshot costs more than a reading may. */
function inThread(stored: StoredPart): Promise<Part> {
  const { promise, resolve, reject } = Promise.withResolvers<Part>()
  const thread = new Worker(new URL('./read-part.ts', import.meta.url), {
    workerData: stored,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    env: {},
  })
  const fail = (cause: unknown) => reject(new Fault('service_unavailable', { cause }))
  const timer = setTimeout(() => fail(new Error('a snapshot took too long to read')), READING_MS)
  thread.once('message', resolve).once('error', fail)
  thread.once('exit', code => fail(new Error(`a thread ended with ${code}`)))
  return promise.finally(() => {
    clearTimeout(timer)
    void thread.terminate()
  })
}
