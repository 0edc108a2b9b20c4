/**
 * Detects that our own database is no longer the one whose numbers subscribers hold: a restored dump, a copy, a
 * promoted standby. All epochs then end, so that every subscriber, connected or returning, lists again.
 */
import type { Log } from '#server/log.ts'
import { isReported, readOrigin, recogniseOrigin } from '#server/store/installation/installation.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** A reset follows any notifications that a wrong server sent in the meantime. */
const EVERY_MS = 5_000

/** The periodic check of one process. */
export class SameServer {
  readonly #db: Db
  readonly #log: Log
  #lookedAtMs: number | null = null
  #isSaid = false

  constructor(parts: { db: Db; log: Log }) {
    this.#db = parts.db
    this.#log = parts.log
  }

  /** Checks if a check is due. Throws if the database is unavailable. */
  async recognise(): Promise<void> {
    if (this.#lookedAtMs !== null && performance.now() - this.#lookedAtMs < EVERY_MS) return
    const here = await readOrigin(this.#db)
    const isOther = await recogniseOrigin(this.#db, here)
    this.#lookedAtMs = performance.now()
    if (isOther) this.#log.warn('the database server has changed: subscribers must list again')
    if (isReported(here) || this.#isSaid) return
    this.#isSaid = true
    this.#log.warn(
      'the database server cannot be identified: after each restore, run: npm run -s mooring -- db restored',
    )
  }
}
