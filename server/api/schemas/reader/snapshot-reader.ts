/**
 * Reads stored snapshots in threads, two at a time: the event loop of a web process never unpacks or parses a whole
 * one. A reading that gets no thread in time is refused with 503; one that grows too large or takes too long is
 * terminated.
 */
import { Worker } from 'node:worker_threads'
import { Fault } from '#shared/faults/fault.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import { JsonText } from './json-text.ts'
import type { Ask, Packed, PartSummary, Read, ReaderInput, ReaderRequest } from './snapshot-part.ts'

/** The number of concurrent threads in each web process. */
export const READERS = 2
/** The number of readings that may wait for a thread; further ones get 503. */
export const MAX_WAITING_READINGS = 20
/** The total size of the answers to one request, including all calls of its batch, as JSON. */
export const MAX_ANSWER_BYTES = 16 << 20

const READING_MS = 10_000
const HEAP_MIB = 512

/** The answer size that one request has left, shared by its calls. */
export interface AnswerBudget {
  leftBytes: number
  /** Texts that are sent unchanged. The writer of the answer inserts them. */
  readonly texts: JsonText[]
}

/** A part of a snapshot as JSON, its schemas alone as JSON, and its metadata. */
export class PartText extends JsonText {
  readonly schemas: JsonText
  readonly summary: PartSummary

  constructor({ text, schemasAt, told: summary }: { text: Uint8Array; schemasAt: number; told: PartSummary }) {
    super(text)
    this.schemas = new JsonText(text.subarray(schemasAt, -1))
    this.summary = summary
  }
}

/** The readers of one web process. */
export class SnapshotReader {
  readonly #waiting: (() => void)[] = []
  #free = READERS

  /** A part of a snapshot. Throws as `#read` does. */
  async part(packed: Packed, ask: Ask, budget: AnswerBudget): Promise<PartText> {
    const { text, schemasAt, summary: told } = await this.#read({ kind: 'part', of: packed, ask }, budget)
    const part = new PartText({ text: given(text), schemasAt: given(schemasAt), told: given(told) })
    budget.texts.push(part, part.schemas)
    return part
  }

  /** The names in a snapshot. Throws as `#read` does. */
  async names(packed: Packed, budget: AnswerBudget): Promise<PartSummary> {
    return given((await this.#read({ kind: 'names', of: packed }, budget)).summary)
  }

  /** The drift from one snapshot to another. Throws as `#read` does. */
  async drift(from: Packed, to: Packed, budget: AnswerBudget) {
    const { text, counts, notes } = await this.#read({ kind: 'drift', from, to }, budget)
    const changes = new JsonText(given(text))
    budget.texts.push(changes)
    return { changes, counts: given(counts), notes: [...given(notes)] }
  }

  /**
   * Throws `service_unavailable` if too many readings wait, and `response_too_large`, which names `schema` and `table`,
   * if the request has used up its answer size.
   */
  async #read(asked: ReaderRequest, budget: AnswerBudget): Promise<Read> {
    await this.#turn()
    try {
      const maxBytes = budget.leftBytes
      const read = await inThread({ asked, maxBytes, maxUnpackedBytes: SNAPSHOT_BOUNDS.maxBytes })
      // Another call of the batch may have used up the size in the meantime.
      if (read.bytes > maxBytes || read.bytes > budget.leftBytes) throw tooLarge()
      budget.leftBytes -= read.bytes
      return read
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
  const message = 'The answer would be too large: request one schema, or one table.'
  const issues = ['schema', 'table'].map(field => ({ path: [field], code: 'too_large', message }))
  return new Fault('response_too_large', { issues })
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a thread handed back nothing')
  return value
}

/** Throws `service_unavailable` for a terminated thread: the snapshot costs more than a reading may. */
function inThread(reading: ReaderInput): Promise<Read> {
  const { promise, resolve, reject } = Promise.withResolvers<Read>()
  const thread = new Worker(new URL('./read-part.ts', import.meta.url), {
    workerData: reading,
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
