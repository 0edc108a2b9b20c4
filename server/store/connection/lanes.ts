/**
 * Connections on which many reads are under way at once: each is sent without a wait for the answer to the one before
 * (pipelining), so that a read costs no connection of its own. Statements here are short, only read, and may be sent twice; it
 * must never be a transaction, a lock or a change: one session is one process of the server, in which a slow statement holds up
 * all behind it, and a connection that breaks takes all of them with it.
 *
 * Held by `db.ts`; `prepared-read.ts` sends statements here.
 */
import type { Writable } from 'node:stream'
import type pg from 'pg'
import type { Meter } from '#server/metrics/meter.ts'
import { isConnectionBroken } from './availability.ts'
import { observedStatement, observedWait } from './observed-statement.ts'
import { destroySocket, socketOf } from './own-connection.ts'

/** A statement that is prepared under a name, once in each connection. */
export interface NamedStatement {
  readonly name: string
  readonly text: string
}

/** How lanes are opened. */
export interface LaneOptions {
  /** A connection of its own, ready for statements. Its release ends it where that is said. */
  readonly open: () => Promise<pg.PoolClient>
  /** At most. */
  readonly size: number
  /** After so long without an answer a connection is thrown away. */
  readonly deadlineMs: number
  /** A connection's life; it ends when what is under way then is answered. */
  readonly lifeMs: () => number
  readonly meter?: Meter
}

/** So many statements are under way in a lane before another one is opened. */
const CROWD = 8
/** A lane without statements for so long is closed. */
const IDLE_MS = 10_000

/** For a driver that does not show its socket: each statement is written by itself. */
const NO_SOCKET = { cork: () => undefined, uncork: () => undefined }

/** See above. */
export class Lanes {
  readonly #options: LaneOptions
  readonly #lanes = new Set<Lane>()
  #opening: Promise<Lane> | null = null

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** The rows of a read. One whose connection breaks is sent once more. Throws what the server says, and `NoConnection`. */
  async read(statement: NamedStatement, values: readonly unknown[]): Promise<readonly unknown[]> {
    const send = async () => {
      const lane = this.#free() ?? (await this.#open())
      return lane.read(statement, values)
    }
    return observedStatement(this.#options.meter, statement.text, () =>
      send().catch((error: unknown) => {
        if (!isConnectionBroken(error)) throw error
        return send()
      }),
    )
  }

  /** Closes every lane; what is under way fails. */
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

  /** One at a time is opened, for everybody who waits for one. */
  #open(): Promise<Lane> {
    this.#opening ??= this.#opened().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #opened(): Promise<Lane> {
    const { open, meter } = this.#options
    const client = await observedWait(meter, open)
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
  /** Statements under way. */
  running = 0
  #isEnded = false
  #isGathering = false
  /** Since when nothing was answered while something was under way, or nothing was under way. */
  #since = performance.now()

  constructor(client: pg.PoolClient, { deadlineMs, lifeMs }: LaneOptions, gone: () => void) {
    this.#client = client
    this.#socket = socketOf(client) ?? NO_SOCKET
    this.#deadlineMs = deadlineMs
    this.#gone = gone
    this.#endsAt = performance.now() + lifeMs()
    this.#watch = setInterval(() => this.#look(), Math.min(1_000, deadlineMs)).unref()
    client.once('error', () => this.#end(true))
    client.once('end', () => this.#end(true))
  }

  /** True where it takes no further statement. */
  get isEnding(): boolean {
    return this.#isEnded || performance.now() >= this.#endsAt
  }

  async read({ name, text }: NamedStatement, values: readonly unknown[]): Promise<readonly unknown[]> {
    if (this.running === 0) this.#since = performance.now()
    this.running += 1
    // Statements of one turn of the event loop go out together: to write to a socket costs more than to make what is written.
    if (!this.#isGathering) {
      this.#isGathering = true
      this.#socket.cork()
      setImmediate(() => {
        this.#isGathering = false
        this.#socket.uncork()
      })
    }
    try {
      const { rows } = await this.#client.query({ name, text, values: [...values] })
      return rows
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

  /** Once a second: ends what has nothing to do or has lived long enough, and throws away what does not answer. */
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
