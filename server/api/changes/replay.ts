/**
 * Past changes, for a subscriber that reconnects. Rows are read in small batches, with a few readings at a time in the
 * whole process; each datasource is read when its turn comes, and once for all subscribers that reconnect together. A
 * replay holds one change at a time, so that a subscriber that asks for many and reads none costs nothing.
 */

import { toResponse } from '#server/api/responses/datasource.ts'
import * as reads from '#server/store/changes/change-reads.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { SentChange } from './recent-changes.ts'

/** The number of changes replayed to one subscriber; if there are more, it must list again. */
export const MAX_REPLAYED = 10_000
/** The number of concurrent readings for replays. */
export const READINGS_AT_ONCE = 4
/** The number of datasources cached for subscribers that reconnect together. */
export const MAX_PRESENTED = 200

/**
 * The time limit of a reading for subscribers: a dead connection is then destroyed, and the next reading uses another.
 */
export const READ_DEADLINE_MS = 2_000

const BATCH = 100

/** The position to continue from, and the datasources to include; null for all of the organization. */
export interface ReplayAsked {
  readonly after: reads.Position
  readonly datasourceIds: readonly string[] | null
}

interface Read {
  /** Null if the organization has no changes. */
  readonly since: reads.Since | null
  /** When they were read: anything read later reflects these changes. */
  readonly atMs: number
}

interface Presented {
  readonly sinceMs: number
  readonly row: ReturnType<typeof datasources.find>
}

/** The replays of one web process. */
export class Replays {
  readonly #db: Db
  /**
   * Running readings and those that follow them, by organization and position: a subscriber takes part in at most one
   * of each.
   */
  readonly #reading = new Map<string, Promise<Read>>()
  readonly #queued = new Map<string, Promise<Read>>()
  readonly #presented = new Map<string, Presented>()
  readonly #waiting: (() => void)[] = []
  #free = READINGS_AT_ONCE

  constructor(db: Db) {
    this.#db = db
  }

  /**
   * Changes after a position, oldest first; `reset` if there are more than may be replayed, or if the replay would have
   * gaps.
   */
  async *from(organizationId: string, { after, datasourceIds }: ReplayAsked): AsyncGenerator<SentChange | 'reset'> {
    let [position, replayed] = [after, 0]
    for (;;) {
      const { since, atMs } = await this.#since(organizationId, { after: position, datasourceIds })
      if (since === null || !since.isWhole) return yield 'reset'
      for (const row of since.rows) {
        if (replayed >= MAX_REPLAYED) return yield 'reset'
        replayed += 1
        position = row
        const change = await this.toSent(row, atMs)
        if (change !== null) yield change
      }
      if (since.rows.length < BATCH) return
    }
  }

  /** A row with its datasource, as of `sinceMs` or later; null if the datasource no longer exists. */
  async toSent(row: reads.ChangeRow, sinceMs: number): Promise<SentChange | null> {
    const found = await this.#find(row, sinceMs)
    if (found === undefined) return null
    const datasource = toResponse(found)
    const { epoch, n, datasourceId, change } = row
    const sent = { id: datasource.id, change, datasource }
    return { epoch, n, datasourceId, event: { id: `${epoch}-${n}`, sent: sent }, length: JSON.stringify(sent).length }
  }

  #find({ organizationId, datasourceId: id }: reads.ChangeRow, sinceMs: number): Presented['row'] {
    const key = `${organizationId} ${id}`
    const held = this.#presented.get(key)
    if (held !== undefined && held.sinceMs >= sinceMs) return held.row
    const row = withDeadline(READ_DEADLINE_MS, () =>
      datasources.find(this.#db, organizationId, { id, includeRemoved: true }),
    )
    this.#presented.delete(key)
    this.#presented.set(key, { sinceMs: performance.now(), row })
    const [oldest] = this.#presented.keys()
    if (this.#presented.size > MAX_PRESENTED && oldest !== undefined) this.#presented.delete(oldest)
    // The next subscriber repeats a failed reading.
    row.catch(() => this.#presented.delete(key))
    return row
  }

  /**
   * Many subscribers reconnect at once from the same position: those that ask during a reading share the next one,
   * which starts after their request.
   */
  #since(organizationId: string, asked: ReplayAsked): Promise<Read> {
    const { after, datasourceIds } = asked
    const key = [organizationId, after.epoch, after.n, ...(datasourceIds ?? ['all'])].join(' ')
    const queued = this.#queued.get(key)
    if (queued !== undefined) return queued
    const read = () => {
      this.#queued.delete(key)
      const reading = this.#read(organizationId, asked).finally(() => {
        if (this.#reading.get(key) === reading) this.#reading.delete(key)
      })
      this.#reading.set(key, reading)
      return reading
    }
    const running = this.#reading.get(key)
    if (running === undefined) return read()
    const next = running.then(read, read)
    this.#queued.set(key, next)
    return next
  }

  async #read(organizationId: string, { after: position, datasourceIds }: ReplayAsked): Promise<Read> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      const ask = { position, datasourceIds, limit: BATCH }
      const since = await withDeadline(READ_DEADLINE_MS, () => reads.since(this.#db, organizationId, ask))
      return { since, atMs: performance.now() }
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
