/**
 * Tells the subscribers of this process what has happened to datasources: one reader of the table however many they are,
 * woken by `news` with a poll behind it. A change is read, presented and spelled once for an organization; its subscribers
 * are woken in turns, so that thousands of them hold nobody else up.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '#server/log.ts'
import * as changes from '#server/store/changes.ts'
import type { Db } from '#server/store/db.ts'
import type { Signals } from '#server/store/signals.ts'
import { RecentChanges, type ToldChange } from './recent-changes.ts'
import { Replays } from './replay.ts'

const POLL_MS = 1_000
const BATCH = 500

/** Subscribers that are told a change in one turn of the loop. */
export const TOLD_IN_A_TURN = 50

/** The feed of one web process. */
export class ChangeFeed {
  readonly #db: Db
  readonly #signals: Signals
  readonly #log: Log
  readonly #organizations = new Map<string, RecentChanges>()
  readonly #ended = new AbortController()
  readonly replays: Replays
  #position: changes.Position | null = null
  #begun: Promise<void> | null = null
  #pumping: Promise<void> | null = null
  #again = false
  #off: () => void = () => undefined

  constructor(parts: { db: Db; signals: Signals; log: Log }) {
    this.#db = parts.db
    this.#signals = parts.signals
    this.#log = parts.log
    this.replays = new Replays(parts.db)
  }

  /** Aborted when the process stops: whoever is subscribed ends then. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /**
   * The changes of an organization from now on. `begin` is given them before the first one is there and answers what to
   * call after each addition; the returned function leaves.
   */
  async subscribe(organizationId: string, begin: (recent: RecentChanges) => () => void): Promise<() => void> {
    const recent = this.#organizations.get(organizationId) ?? new RecentChanges()
    this.#organizations.set(organizationId, recent)
    const stop = recent.listen(begin(recent))
    const leave = () => {
      stop()
      if (!recent.isWatched && this.#organizations.get(organizationId) === recent)
        this.#organizations.delete(organizationId)
      if (this.#organizations.size === 0) this.#stop()
    }
    try {
      // However many come at once, one of them begins.
      this.#begun ??= this.#begin()
      await this.#begun
    } catch (cause) {
      leave()
      throw cause
    }
    return leave
  }

  /** The place up to which changes were read; null before the first reading. */
  get place(): changes.Position | null {
    return this.#position
  }

  /** The place behind everything that has happened: who lists anew after asking for it goes on from there. */
  latest(): Promise<changes.Position> {
    return changes.latest(this.#db)
  }

  /** Ends every subscription and reads nothing more. */
  async close(): Promise<void> {
    this.#ended.abort()
    this.#stop()
    await this.#pumping
  }

  async #begin(): Promise<void> {
    const position = await changes.latest(this.#db)
    // Meanwhile everyone may have left, and others have come and begun.
    if (this.#position !== null || this.#organizations.size === 0 || this.#ended.signal.aborted) return
    this.#position = position
    const timer = setInterval(() => this.#wake(), POLL_MS)
    const off = this.#signals.on('news', () => this.#wake())
    this.#off = () => {
      clearInterval(timer)
      off()
    }
  }

  #stop(): void {
    this.#off()
    this.#off = () => undefined
    this.#position = null
    this.#begun = null
  }

  #wake(): void {
    this.#again = true
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = null
    })
  }

  async #pump(): Promise<void> {
    try {
      while (this.#again && this.#position !== null) {
        this.#again = false
        const position = this.#position
        const rows = await changes.after(this.#db, { organizationId: null, position, limit: BATCH })
        const readAtMs = performance.now()
        const told = await this.#told(rows, readAtMs)
        // Everyone has left, and perhaps others have come, who begin at another place.
        if (this.#position !== position) {
          this.#again = true
          continue
        }
        const last = rows.at(-1)
        if (last !== undefined) this.#position = { xid: last.xid, id: last.id }
        if (rows.length === BATCH) this.#again = true
        for (const [organizationId, list] of told) await this.#tell(organizationId, list)
      }
    } catch (cause) {
      // The database is away: the poll goes on from the same place.
      this.#log.error({ cause }, 'changes could not be read')
    }
  }

  /** Wakes the subscribers of an organization, some in each turn: what each of them does then is done within it. */
  async #tell(organizationId: string, list: readonly ToldChange[]): Promise<void> {
    const recent = this.#organizations.get(organizationId)
    if (recent === undefined) return
    recent.add(list)
    const inATurn = Math.max(1, Math.floor(TOLD_IN_A_TURN / list.length))
    let woken = 0
    for (const wake of recent.wakes()) {
      if (!recent.hears(wake)) continue
      wake()
      woken += 1
      if (woken % inATurn === 0) await nextTurn()
    }
  }

  /** The rows of organizations with subscribers, each with its datasource, which is read once however often it changed. */
  async #told(rows: readonly changes.ChangeRow[], readAtMs: number): Promise<Map<string, ToldChange[]>> {
    const told = new Map<string, ToldChange[]>()
    for (const row of rows) {
      if (!this.#organizations.has(row.organizationId)) continue
      const change = await this.replays.told(row, readAtMs)
      if (change === null) continue
      const list = told.get(row.organizationId) ?? []
      told.set(row.organizationId, list)
      list.push(change)
    }
    return told
  }
}
