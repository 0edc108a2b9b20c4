/**
 * Forgets what is over, of every organization: outcomes nobody read, old claims on keys, old changes, counters, fingerprints of
 * a release of before.
 * The loop calls it now and then.
 */
import * as credentialMarks from '#server/store/credential-marks.ts'
import type { Db } from '#server/store/db.ts'
import * as dialBudgets from '#server/store/dial-budgets.ts'
import * as idempotency from '#server/store/idempotency.ts'
import * as leases from '#server/store/leases.ts'
import * as oldChanges from '#server/store/old-changes.ts'
import * as tasks from '#server/store/tasks.ts'

/** How long a change can be replayed to a subscriber. */
export const CHANGES_KEPT_MS = 7 * 86_400_000

/** Runs every sweep once. Any worker may, at any time. */
export async function sweep(db: Db, now: Date): Promise<void> {
  await tasks.sweep(db, now)
  await idempotency.sweep(db, now)
  await dialBudgets.sweep(db, now)
  await leases.sweep(db, now)
  await credentialMarks.sweepFingerprints(db)
  while (await oldChanges.forgetBatch(db, new Date(now.getTime() - CHANGES_KEPT_MS)));
}
