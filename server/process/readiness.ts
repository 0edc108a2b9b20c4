/**
 * Whether a tier of this process can do its work now, and if not, which condition fails. A load balancer's probes ask,
 * so it answers in time whatever our own database does, and reveals nothing that a stranger may not know.
 */

import type { Log } from '#server/log.ts'
import { codeOf } from '#server/store/connection/availability.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import type { Notifications } from '#server/store/database/notifications.ts'
import type { Tier } from '#server/store/installation/grants.ts'
import { pendingMigrations } from '#server/store/installation/migrate.ts'
import { type ProcessReadiness, standing } from '#server/store/installation/processes.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { startPresence } from './presence.ts'

/** Each condition that may fail, and the sentence for it. */
export const NOT_READY = {
  database_unreachable: 'the database does not answer',
  migrations_pending: 'migrations are pending; run: npm run -s mooring -- migrate',
  grants_missing: 'the database role lacks rights; run: npm run -s mooring -- db grant',
  database_not_written: 'the database accepts no changes: it is read-only, full or overloaded',
  change_feed_down: 'notifications of changes do not arrive, or changes cannot be read',
  dialler_not_ready: 'no dialling process can be started',
  stopping: 'this process is stopping',
} as const

/** A condition that fails. */
export type NotReady = keyof typeof NOT_READY

/** The answer of `/readyz`. */
export interface Readiness {
  readonly ok: boolean
  /** The sentence for the first failing condition; absent if none fails. */
  readonly trouble?: string
  readonly failing: readonly NotReady[]
  /** Whether any worker has written its row recently; absent if the database did not answer. */
  readonly worker?: 'seen' | 'not_seen'
  /**
   * Whether the sessions of this role have their deadlines, which `db grant` sets; absent if the database did not
   * answer.
   */
  readonly deadlines?: 'set' | 'missing'
  /** Present if the audit record or the verifications have rows outside all month partitions (docs/operations.md). */
  readonly months?: 'overflowing'
  /** Present if web and worker have different networks open: `MOORING_ALLOWED_NETWORKS` must be the same on both. */
  readonly networks?: 'differ'
}

/** The readiness of a process that has received the signal to stop: it still serves new requests for a while. */
export const STOPPING: Readiness = { ok: false, trouble: NOT_READY.stopping, failing: ['stopping'] }

/** The conditions of readiness. */
export interface Conditions {
  readonly db: Db
  readonly notifications: Notifications
  /** For a process that has subscribers. */
  readonly canReadChanges?: () => boolean
  /** For a process that dials; absent for other processes. */
  readonly canDial?: () => boolean
}

/** Announces that a tier of this process is running, until it is stopped, and answers whether it is ready. */
export async function startReadiness(
  conditions: Conditions & { readonly log: Log; readonly config: { readonly openNetworks: readonly string[] } },
  kind: Tier,
): Promise<{ ready(): Promise<Readiness>; stop(): Promise<void> }> {
  const presence = await startPresence({
    db: conditions.db,
    log: conditions.log,
    kind,
    openNetworks: conditions.config.openNetworks,
  })
  return { ready: createReadiness(conditions, presence.id), stop: presence.stop }
}

const STATEMENT_MS = 1_500
/** Less than the two seconds after which an answer counts as none. */
const ANSWER_MS = 1_800
const INSUFFICIENT_PRIVILEGE = '42501'

/** Creates the readiness check. However many callers ask at once, the database is asked once. */
function createReadiness(conditions: Conditions, processId: string): () => Promise<Readiness> {
  let asking: Promise<Asked> | null = null
  const ask = () => {
    asking ??= withDeadline(STATEMENT_MS, () => askDatabase(conditions.db, processId)).finally(() => {
      asking = null
    })
    return asking
  }
  return async () => judge(conditions, await within(ask()))
}

type Asked = ProcessReadiness | Extract<NotReady, 'database_unreachable' | 'migrations_pending' | 'grants_missing'>

async function askDatabase(db: Db, processId: string): Promise<Asked> {
  try {
    if ((await pendingMigrations(db)).length > 0) return 'migrations_pending'
    return await standing(db, processId)
  } catch (error) {
    // The driver's message may contain the address and the user of our own database, so only a code leaves here.
    return codeOf(error) === INSUFFICIENT_PRIVILEGE ? 'grants_missing' : 'database_unreachable'
  }
}

async function within(asked: Promise<Asked>): Promise<Asked> {
  const { promise, resolve } = Promise.withResolvers<Asked>()
  const timer = setTimeout(resolve, ANSWER_MS, 'database_unreachable')
  try {
    return await Promise.race([asked, promise])
  } finally {
    clearTimeout(timer)
  }
}

function judge({ notifications, canReadChanges, canDial }: Conditions, asked: Asked): Readiness {
  const failing: NotReady[] = []
  if (typeof asked === 'string') failing.push(asked)
  else if (!asked.isWritten) failing.push('database_not_written')
  if (!notifications.isAlive() || canReadChanges?.() === false) failing.push('change_feed_down')
  if (canDial?.() === false) failing.push('dialler_not_ready')
  const [first] = failing
  return {
    ok: first === undefined,
    ...(first === undefined ? {} : { trouble: NOT_READY[first] }),
    failing,
    ...(typeof asked === 'string'
      ? {}
      : {
          worker: asked.isWorkerSeen ? ('seen' as const) : ('not_seen' as const),
          deadlines: asked.hasDeadlines ? ('set' as const) : ('missing' as const),
          ...(asked.isOverflowing ? { months: 'overflowing' as const } : {}),
          ...(asked.haveOtherNetworks ? { networks: 'differ' as const } : {}),
        }),
  }
}
