/**
 * Delivers changes of datasources to the subscribers of this process: one reader of the table serves any number of them
 * and reads all of their organizations at once, woken by `news` and by polling. A change is read, presented and
 * serialised once per organization; its subscribers are woken in turns, so that thousands of them do not block the
 * event loop.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '#server/log.ts'
import * as reads from '#server/store/changes/change-reads.ts'
import { forInstallation, withDeadline } from '#server/store/connection/statement.ts'
import type { Notifications } from '#server/store/database/notifications.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { RecentChanges, type SentChange } from './recent-changes.ts'
import { READ_DEADLINE_MS, Replays } from './replay.ts'
import { SameServer } from './same-server.ts'

const POLL_MS = 1_000
/**
 * The limits of one reading, per organization and in total. The next reading continues with the rest, other
 * organizations first.
 */
const EACH = 100
const BATCH = 500

/** The number of subscribers that receive a change in one turn of the event loop. */
export const TOLD_IN_A_TURN = 50

/** The feed of one web process. */
export class ChangeFeed {
  readonly #db: Db
  readonly #signals: Notifications
  readonly #log: Log
  readonly #server: SameServer
  /** In order of their last reading, the oldest first. */
  readonly #organizations = new Map<string, RecentChanges>()
  readonly #ended = new AbortController()
  readonly replays: Replays
  /** The running reading that determines where organizations begin, and the one that follows it. */
  #beginning: Promise<void> = Promise.resolve()
  #nextBeginning: Promise<void> | null = null
  #pumping: Promise<void> | null = null
  #again = false
  #isReading = true
  #off: (() => void) | null = null

  constructor(parts: { db: Db; notifications: Notifications; log: Log }) {
    this.#db = parts.db
    this.#signals = parts.notifications
    this.#log = parts.log
    this.#server = new SameServer(parts)
    this.replays = new Replays(parts.db)
  }

  /** Aborted when the process stops: every subscription then ends. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** False while changes cannot be read, that is, if the last reading failed. True while nobody is subscribed. */
  isAlive(): boolean {
    return this.#isReading
  }

  /**
   * Subscribes to an organization's changes from now on. `begin` gets them before the first one arrives and returns the
   * function to call after each addition; the returned function unsubscribes.
   */
  async subscribe(organizationId: string, begin: (recent: RecentChanges) => () => void): Promise<() => void> {
    const recent = this.#organizations.get(organizationId) ?? new RecentChanges()
    this.#organizations.set(organizationId, recent)
    const stop = recent.listen(begin(recent))
    this.#off ??= this.#start()
    const leave = () => {
      stop()
      if (!recent.isWatched && this.#organizations.get(organizationId) === recent)
        this.#organizations.delete(organizationId)
      if (this.#organizations.size === 0) this.#stop()
    }
    try {
      if (recent.place === null) await this.#begun()
    } catch (cause) {
      leave()
      throw cause
    }
    return leave
  }

  /** The position of the latest change: a client that lists after asking for it can continue from there. */
  async latest(organizationId: string): Promise<reads.Position> {
    const heads = await withDeadline(READ_DEADLINE_MS, () => reads.heads(this.#db, [organizationId]))
    return given(heads.get(organizationId))
  }

  /** Ends every subscription and stops reading. */
  async close(): Promise<void> {
    this.#ended.abort()
    this.#stop()
    await this.#pumping
  }

  #start(): () => void {
    // Outside any caller's scope: none of them is charged for reading on behalf of all.
    return forInstallation(READ_DEADLINE_MS, () => {
      const timer = setInterval(() => this.#wake(), POLL_MS)
      const off = this.#signals.on('news', () => this.#wake())
      return () => {
        clearInterval(timer)
        off()
      }
    })
  }

  #stop(): void {
    this.#off?.()
    this.#off = null
    this.#isReading = true
  }

  /**
   * Resolves when every organization that is now present has its position. However many arrive at once, they share one
   * reading.
   */
  #begun(): Promise<void> {
    this.#nextBeginning ??= this.#beginning
      .catch(() => undefined)
      .then(() => {
        this.#nextBeginning = null
        this.#beginning = forInstallation(READ_DEADLINE_MS, () => this.#begin())
        return this.#beginning
      })
    return this.#nextBeginning
  }

  async #begin(): Promise<void> {
    await this.#server.recognise()
    const fresh = [...this.#organizations].filter(([, recent]) => recent.place === null)
    if (fresh.length === 0) return
    const orgs = fresh.map(([organizationId]) => organizationId)
    // A new subscriber must not receive changes from before its subscription.
    await this.#adopt(orgs)
    const heads = await reads.heads(this.#db, orgs)
    for (const [organizationId, recent] of fresh) recent.place ??= given(heads.get(organizationId))
  }

  /** Numbers the changes that processes of the last release have written since. */
  async #adopt(orgs: readonly string[]): Promise<void> {
    for (const org of await reads.unnumbered(this.#db, orgs)) await reads.adopt(this.#db, org)
  }

  #wake(): void {
    this.#again = true
    this.#pumping ??= forInstallation(READ_DEADLINE_MS, () => this.#pump()).finally(() => {
      this.#pumping = null
    })
  }

  async #pump(): Promise<void> {
    try {
      while (this.#again && this.#off !== null) {
        this.#again = false
        await this.#server.recognise()
        await this.#adopt([...this.#organizations.keys()])
        await this.#read()
        this.#isReading = true
      }
    } catch (cause) {
      // The database is unavailable: the poll continues from the same positions.
      this.#isReading = false
      this.#log.error({ stage: 'changes', cause }, 'changes could not be read')
    }
  }

  /** Reads once for all organizations that have begun. */
  async #read(): Promise<void> {
    const places = new Map<string, reads.Position>()
    for (const [organizationId, { place }] of this.#organizations) if (place !== null) places.set(organizationId, place)
    const news = await reads.newsOf(this.#db, places, { each: EACH, limit: BATCH })
    const readAtMs = performance.now()
    let count = 0
    for (const [organizationId, since] of news) {
      count += Math.max(1, since.rows.length)
      const recent = this.#organizations.get(organizationId)
      // All subscribers have left, and possibly others have arrived, who begin at another position.
      if (recent === undefined || recent.place !== places.get(organizationId)) continue
      if (!(await this.#tell(organizationId, recent, { since, readAtMs }))) this.#again = true
      if (this.#organizations.get(organizationId) !== recent) continue
      this.#organizations.delete(organizationId)
      this.#organizations.set(organizationId, recent)
    }
    if (count >= BATCH) this.#again = true
  }

  /** Delivers changes to the subscribers of one organization; false if more remain to be read. */
  async #tell(
    organizationId: string,
    recent: RecentChanges,
    { since, readAtMs }: { since: reads.Since; readAtMs: number },
  ): Promise<boolean> {
    const { head, isWhole, rows } = since
    if (!isWhole) {
      recent.cut()
      recent.place = head
      await this.#wakeAll(organizationId, recent, TOLD_IN_A_TURN)
      return true
    }
    const list: SentChange[] = []
    for (const row of rows) {
      const change = await this.replays.toSent(row, readAtMs)
      if (change !== null) list.push(change)
    }
    const { epoch, n } = rows.at(-1) ?? head
    recent.place = { epoch, n }
    recent.add(list)
    await this.#wakeAll(organizationId, recent, Math.max(1, Math.floor(TOLD_IN_A_TURN / Math.max(1, list.length))))
    return n === head.n
  }

  /** Wakes the subscribers of an organization, some per turn; each does its work within that turn. */
  async #wakeAll(organizationId: string, recent: RecentChanges, inATurn: number): Promise<void> {
    let woken = 0
    for (const wake of recent.wakes()) {
      if (!recent.hears(wake) || this.#organizations.get(organizationId) !== recent) continue
      wake()
      woken += 1
      if (woken % inATurn === 0) await nextTurn()
    }
  }
}

function given<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('the organization has no head')
  return found
}
