/**
 * Tells the subscribers of this process what has happened to datasources: one reader of the table however many they are,
 * woken by `news` with a poll behind it. A change is read once and a datasource presented once.
 */

import type { Log } from '#server/log.ts'
import * as changes from '#server/store/changes.ts'
import * as datasources from '#server/store/datasources.ts'
import type { Db } from '#server/store/db.ts'
import type { Signals } from '#server/store/signals.ts'
import type { Datasource } from '#shared/datasource.ts'
import { present } from './present.ts'

const POLL_MS = 1_000
const BATCH = 500

/** One change as it is told. */
export interface ToldChange extends changes.Position {
  readonly change: string
  readonly datasourceId: string
  readonly datasource: Datasource
}

type Listener = (change: ToldChange) => void

/** The feed of one web process. */
export class ChangeFeed {
  readonly #db: Db
  readonly #signals: Signals
  readonly #log: Log
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #ended = new AbortController()
  #position: changes.Position | null = null
  #begun: Promise<void> | null = null
  readonly #reading = new Map<string, Promise<ToldChange[]>>()
  readonly #queued = new Map<string, Promise<ToldChange[]>>()
  #pumping: Promise<void> | null = null
  #again = false
  #off: () => void = () => undefined

  constructor(parts: { db: Db; signals: Signals; log: Log }) {
    this.#db = parts.db
    this.#signals = parts.signals
    this.#log = parts.log
  }

  /** Aborted when the process stops: whoever is subscribed ends then. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Tells `listener` every change of an organization from now on, until the returned function is called. */
  async subscribe(organizationId: string, listener: Listener): Promise<() => void> {
    const listeners = this.#listeners.get(organizationId) ?? new Set()
    this.#listeners.set(organizationId, listeners.add(listener))
    const leave = () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(organizationId) === listeners)
        this.#listeners.delete(organizationId)
      if (this.#listeners.size === 0) this.#stop()
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

  /**
   * Changes of one organization after a place, for a subscriber who was away. Many come back at once and from the same
   * place: those who ask while it is being read share the next reading, which is of a later moment than their question.
   */
  async since(organizationId: string, position: changes.Position): Promise<ToldChange[]> {
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

  /** Ends every subscription and reads nothing more. */
  async close(): Promise<void> {
    this.#ended.abort()
    this.#stop()
    await this.#pumping
  }

  async #read(organizationId: string, position: changes.Position): Promise<ToldChange[]> {
    return this.#told(await changes.after(this.#db, { organizationId, position, limit: BATCH }))
  }

  async #begin(): Promise<void> {
    const position = await changes.latest(this.#db)
    // Meanwhile everyone may have left, and others have come and begun.
    if (this.#position !== null || this.#listeners.size === 0 || this.#ended.signal.aborted) return
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
        const wanted = rows.filter(row => this.#listeners.has(row.organizationId))
        const told = await this.#told(wanted)
        // Everyone has left, and perhaps others have come, who begin at another place.
        if (this.#position !== position) {
          this.#again = true
          continue
        }
        const organizations = new Map(wanted.map(row => [row.id, row.organizationId]))
        for (const change of told) this.#tell(organizations.get(change.id) ?? '', change)
        const last = rows.at(-1)
        if (last !== undefined) this.#position = { xid: last.xid, id: last.id }
        if (rows.length === BATCH) this.#again = true
      }
    } catch (cause) {
      // The database is away: the poll goes on from the same place.
      this.#log.error({ cause }, 'changes could not be read')
    }
  }

  #tell(organizationId: string, change: ToldChange): void {
    for (const listener of this.#listeners.get(organizationId) ?? []) listener(change)
  }

  /** The rows with their datasources, each read once however often it changed. */
  async #told(rows: readonly changes.ChangeRow[]): Promise<ToldChange[]> {
    const found = new Map<string, Datasource>()
    for (const row of rows) {
      if (found.has(row.datasourceId)) continue
      const held = await datasources.find(this.#db, row.organizationId, { id: row.datasourceId, includeRemoved: true })
      if (held !== undefined) found.set(row.datasourceId, present(held))
    }
    return rows.flatMap(({ xid, id, change, datasourceId }) => {
      const datasource = found.get(datasourceId)
      return datasource === undefined ? [] : [{ xid, id, change, datasourceId, datasource }]
    })
  }
}
