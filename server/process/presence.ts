/**
 * Announces that a tier of this process is running: writes its row at startup and every five seconds, and deletes it at
 * the end. `readiness.ts` uses the rows. If a row cannot be written the process continues, but is not ready.
 */
import { newId } from '#server/domain/access/ids.ts'
import type { Log } from '#server/log.ts'
import { lacksDeadlines } from '#server/store/connection/deadline-check.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import type { Tier } from '#server/store/installation/grants.ts'
import * as processes from '#server/store/installation/processes.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { ownVersion } from '#server/version.ts'

const BEAT_MS = 5_000
const STATEMENT_MS = 2_000
/** The number of heartbeats after which a process looks for rows that others have left behind. */
const CLEANS_EVERY = 12

/** An announced tier of this process. */
export interface Presence {
  /** The id of its row. */
  readonly id: string
  /** Stops announcing, and deletes the row if possible. */
  stop(): Promise<void>
}

/** A tier of this process, and what it announces. */
interface Present {
  readonly db: Db
  readonly log: Log
  readonly kind: Tier
  readonly openNetworks: readonly string[]
}

/** Starts announcing; resolves when the first row was written, or the attempt failed. */
export async function startPresence(processInfo: Present): Promise<Presence> {
  const { db, log, kind, openNetworks } = processInfo
  const row = { id: newId(), kind, version: await ownVersion(), openNetworks: formatNetworks(openNetworks) }
  const watchNetworks = networkWatch(processInfo)
  let isWritten = true
  let beats = 0
  const beat = async () => {
    try {
      await withDeadline(STATEMENT_MS, () => processes.beat(db, row))
      if (!isWritten) log.info({ kind }, 'the row of this process is written again')
      isWritten = true
      if (beats++ % CLEANS_EVERY !== 0) return
      await withDeadline(STATEMENT_MS, () => processes.removeGone(db))
      await watchNetworks()
    } catch (cause) {
      // Logged once: the readiness probe shows how long it lasts.
      if (isWritten) log.warn({ stage: 'presence', kind, cause }, 'the row of this process could not be written')
      isWritten = false
    }
  }
  let beating: Promise<void> | null = beat()
  await beating
  beating = null
  await warnOfDeadlines(processInfo)
  const timer = setInterval(() => {
    beating ??= beat().finally(() => {
      beating = null
    })
  }, BEAT_MS)
  return {
    id: row.id,
    async stop() {
      clearInterval(timer)
      await beating
      // A row that stays is outdated within seconds, and another process deletes it.
      await withDeadline(STATEMENT_MS, () => processes.remove(db, row.id)).catch(() => undefined)
    },
  }
}

/** A canonical form of the networks, whatever their order. */
function formatNetworks(networks: readonly string[]): string {
  return [...new Set(networks)].toSorted().join(',')
}

/**
 * Logs once, and again when it is over, that processes of this installation have different networks open. A worker then
 * refuses to dial what a web process has allowed to be registered, and nobody would see why.
 */
function networkWatch({ db, log, kind }: Present): () => Promise<void> {
  let isTold = false
  return async () => {
    const differ = await withDeadline(STATEMENT_MS, () => processes.haveOtherNetworks(db))
    const about = { stage: 'presence', reason: 'networks_differ', kind, setting: 'MOORING_ALLOWED_NETWORKS' }
    if (differ && !isTold) log.warn(about, 'web and worker have different networks open: set the same on both')
    if (!differ && isTold) log.info(about, 'web and worker have the same networks open again')
    isTold = differ
  }
}

/** Without deadlines, the server keeps a hanging lock or query for as long as it likes. */
async function warnOfDeadlines({ db, log, kind }: Present): Promise<void> {
  if (await withDeadline(STATEMENT_MS, () => lacksDeadlines(db)).catch(() => false))
    log.warn({ kind }, 'the role of this process lacks the deadlines of statements: run `mooring db grant`')
}
