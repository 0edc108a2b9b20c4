/**
 * Connections that run many reads at once: each statement is sent without waiting for the previous answer (pipelining),
 * so that a read needs no connection of its own. Statements here are short, read-only and safe to send twice. A lane
 * must never carry a transaction, a lock or a change: a session is one server process, in which a slow statement delays
 * all statements after it, and a broken connection fails them all.
 *
 * Held by `db.ts`; `prepared-read.ts` sends statements here.
 */
import type { Writable } from 'node:stream'
import type pg from 'pg'
import { isConnectionBroken } from './availability.ts'
import { destroySocket, socketOf } from './own-connection.ts'
import { LaneQuery, type NamedStatement, type Running, type Shapes } from './row-reader.ts'
import type { Observer } from './statement.ts'

/** Options for opening lanes. */
export interface LaneOptions {
  /** Opens a dedicated connection, ready for statements. Releasing it with `true` closes it. */
  readonly open: () => Promise<pg.PoolClient>
  /** The maximum number of lanes. */
  readonly size: number
  /** After this time without an answer, a connection is destroyed. */
  readonly deadlineMs: number
  /** The lifetime of a connection; it closes once the statements in progress are answered. */
  readonly lifeMs: () => number
  readonly observer: Observer
}

/** The number of statements in progress in each lane at which another lane is opened. */
const CROWD = 8
/** A lane without statements is closed after this time. */
const IDLE_MS = 10_000

/** For a driver that does not expose its socket: each statement is written separately. */
const NO_SOCKET = { cork: () => undefined, uncork: () => undefined }

/** A set of lanes, opened on demand up to `size`. */
export class Lanes {
  readonly #options: LaneOptions
  readonly #lanes = new Set<Lane>()
  #opening: Promise<Lane> | null = null

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /**
   * Runs a read and returns its rows. Resends it once if its connection breaks. Throws the server's errors and
   * `NoConnection`.
   */
  async read(statement: NamedStatement, values: readonly unknown[]): Promise<readonly unknown[]> {
    return this.#options.observer.statement(statement.text, async () => {
      const lane = this.#free() ?? (await this.#open())
      try {
        return await lane.read(statement, values)
      } catch (error) {
        if (!isConnectionBroken(error)) throw error
        const other = this.#free() ?? (await this.#open())
        return other.read(statement, values)
      }
    })
  }

  /** Closes every lane; statements in progress fail. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    for (const lane of this.#lanes) lane.close()
    this.#lanes.clear()
  }

  /** The lane with the fewest statements. If all are crowded, another one is opened in the meantime. */
  #free(): Lane | undefined {
    let least: Lane | undefined
    for (const lane of this.#lanes)
      if (!lane.isEnding && (least === undefined || lane.running < least.running)) least = lane
    if (least === undefined) return undefined
    if (least.running >= CROWD && this.#lanes.size < this.#options.size) void this.#open().catch(() => undefined)
    return least
  }

  /** Opens one lane at a time, shared by everyone who waits for one. */
  #open(): Promise<Lane> {
    this.#opening ??= this.#opened().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #opened(): Promise<Lane> {
    const { open, observer } = this.#options
    const client = await observer.wait(open)
    const lane = new Lane(client, this.#options, () => this.#lanes.delete(lane))
    this.#lanes.add(lane)
    return lane
  }
}

/** One connection. */
class Lane {
  readonly #client: pg.PoolClient
  readonly #deadlineMs: number
  readonly #gone: () => void
  readonly #endsAt: number
  readonly #watch: NodeJS.Timeout
  readonly #socket: Pick<Writable, 'cork' | 'uncork'>
  readonly #shapes: Shapes = new Map()
  readonly #parserOf: Running['parserOf']
  /** The number of statements in progress. */
  running = 0
  #isEnded = false
  #isGathering = false
  /** The time since which nothing was answered, or since which the lane is idle. */
  #since = performance.now()

  constructor(client: pg.PoolClient, { deadlineMs, lifeMs }: LaneOptions, gone: () => void) {
    this.#client = client
    this.#socket = socketOf(client) ?? NO_SOCKET
    this.#parserOf = oid => client.getTypeParser(oid, 'text')
    this.#deadlineMs = deadlineMs
    this.#gone = gone
    this.#endsAt = performance.now() + lifeMs()
    this.#watch = setInterval(() => this.#look(), Math.min(1_000, deadlineMs)).unref()
    client.once('error', () => this.#end(true))
    client.once('end', () => this.#end(true))
  }

  /** True if the lane takes no further statements. */
  get isEnding(): boolean {
    return this.#isEnded || performance.now() >= this.#endsAt
  }

  async read(statement: NamedStatement, values: readonly unknown[]): Promise<readonly unknown[]> {
    if (this.running === 0) this.#since = performance.now()
    this.running += 1
    // Statements of one turn of the event loop are written together: a write to the socket costs more than building the
    // statements.
    if (!this.#isGathering) {
      this.#isGathering = true
      this.#socket.cork()
      setImmediate(() => {
        this.#isGathering = false
        this.#socket.uncork()
      })
    }
    try {
      return await new Promise((resolve, reject) => {
        const running = { shapes: this.#shapes, parserOf: this.#parserOf, resolve, reject }
        this.#client.query(new LaneQuery(statement, values, running))
      })
    } catch (error) {
      if (isConnectionBroken(error)) this.#end(true)
      throw error
    } finally {
      this.running -= 1
      this.#since = performance.now()
    }
  }

  close(): void {
    this.#end(true)
  }

  /** Runs once a second: closes a lane that is idle or past its lifetime, and destroys one that does not answer. */
  #look(): void {
    const forMs = performance.now() - this.#since
    if (this.running > 0 && forMs > this.#deadlineMs) destroySocket(this.#client)
    else if (this.running === 0 && (this.isEnding || forMs > IDLE_MS)) this.#end(false)
  }

  #end(isBroken: boolean): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearInterval(this.#watch)
    this.#gone()
    this.#client.release(isBroken)
  }
}
