/**
 * Changes of the past, for a subscriber who comes back. Rows are read in small batches, a few readings at a time in the whole
 * process; a datasource is read when its turn comes, and once for all who come back together. A replay holds one change at
 * a time, so that a subscriber who asks for many and reads none costs nothing.
 */
import * as changes from '#server/store/changes.ts'
import * as datasources from '#server/store/datasources.ts'
import type { Db } from '#server/store/db.ts'
import { present } from './present.ts'
import type { ToldChange } from './recent-changes.ts'

/** Changes that are replayed to one subscriber; beyond them it lists anew. */
export const MAX_REPLAYED = 10_000
/** Readings of replays at a time. */
export const READINGS_AT_ONCE = 4
/** Datasources that are held for those who come back together. */
export const MAX_PRESENTED = 200

const BATCH = 100

interface Read {
  readonly rows: readonly changes.ChangeRow[]
  /** When they were there: what is read later shows what they tell of. */
  readonly atMs: number
}

interface Presented {
  readonly sinceMs: number
  readonly row: ReturnType<typeof datasources.find>
}

/** The replays of one web process. */
export class Replays {
  readonly #db: Db
  /** Readings under way and those that follow them, by organization and place: at most one of each for a subscriber. */
  readonly #reading = new Map<string, Promise<Read>>()
  readonly #queued = new Map<string, Promise<Read>>()
  readonly #presented = new Map<string, Presented>()
  readonly #waiting: (() => void)[] = []
  #free = READINGS_AT_ONCE

  constructor(db: Db) {
    this.#db = db
  }

  /** Changes after a place, oldest first; `reset` where there are more than may be replayed. */
  async *from(organizationId: string, after: changes.Position): AsyncGenerator<ToldChange | 'reset'> {
    let [position, told] = [after, 0]
    for (;;) {
      const { rows, atMs } = await this.#since(organizationId, position)
      if (rows.length === 0) return
      for (const row of rows) {
        if (told >= MAX_REPLAYED) return yield 'reset'
        told += 1
        position = row
        const change = await this.told(row, atMs)
        if (change !== null) yield change
      }
    }
  }

  /** A row with its datasource, as that is at `sinceMs` or later; null where it is no more. */
  async told(row: changes.ChangeRow, sinceMs: number): Promise<ToldChange | null> {
    const found = await this.#find(row, sinceMs)
    if (found === undefined) return null
    const datasource = present(found)
    const { xid, id, datasourceId, change } = row
    const told = { id: datasource.id, change, datasource }
    return { xid, id, datasourceId, event: { id: `${xid}-${id}`, told }, length: JSON.stringify(told).length }
  }

  #find({ organizationId, datasourceId: id }: changes.ChangeRow, sinceMs: number): Presented['row'] {
    const key = `${organizationId} ${id}`
    const held = this.#presented.get(key)
    if (held !== undefined && held.sinceMs >= sinceMs) return held.row
    const row = datasources.find(this.#db, organizationId, { id, includeRemoved: true })
    this.#presented.delete(key)
    this.#presented.set(key, { sinceMs: performance.now(), row })
    const [oldest] = this.#presented.keys()
    if (this.#presented.size > MAX_PRESENTED && oldest !== undefined) this.#presented.delete(oldest)
    // The next subscriber repeats a reading that failed.
    row.catch(() => this.#presented.delete(key))
    return row
  }

  /**
   * Many come back at once and from the same place: those who ask while it is being read share the next reading, which is
   * of a later moment than their question.
   */
  #since(organizationId: string, position: changes.Position): Promise<Read> {
    const key = `${organizationId} ${position.xid}-${position.id}`
    const queued = this.#queued.get(key)
    if (queued !== undefined) return queued
    const read = () => {
      this.#queued.delete(key)
      const reading = this.#read(organizationId, position).finally(() => {
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

  async #read(organizationId: string, position: changes.Position): Promise<Read> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      const rows = await changes.after(this.#db, { organizationId, position, limit: BATCH })
      return { rows, atMs: performance.now() }
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
