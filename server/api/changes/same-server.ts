/**
 * Notices that our own database is another one than the one whose numbers subscribers hold: a restored dump, a copy, a promoted
 * standby. All epochs end then, so that every subscriber, connected or returning, lists anew.
 */
import type { Log } from '#server/log.ts'
import { isReported, readOrigin, recogniseOrigin } from '#server/store/installation/installation.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** Notifications from a wrong server in the meantime are followed by a reset. */
const EVERY_MS = 5_000

/** The looks of one process. */
export class SameServer {
  readonly #db: Db
  readonly #log: Log
  #lookedAtMs: number | null = null
  #isSaid = false

  constructor(parts: { db: Db; log: Log }) {
    this.#db = parts.db
    this.#log = parts.log
  }

  /** Looks where that is due. Throws when the database is away. */
  async recognise(): Promise<void> {
    if (this.#lookedAtMs !== null && performance.now() - this.#lookedAtMs < EVERY_MS) return
    const here = await readOrigin(this.#db)
    const isOther = await recogniseOrigin(this.#db, here)
    this.#lookedAtMs = performance.now()
    if (isOther) this.#log.warn('the database is on another server than before: subscribers list anew')
    if (isReported(here) || this.#isSaid) return
    this.#isSaid = true
    this.#log.warn(
      'the database server cannot be recognised: after each restore, run: npm run -s mooring -- db restored',
    )
  }
}
