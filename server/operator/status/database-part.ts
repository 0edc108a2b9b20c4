/**
 * Our own database in `status`: whether it answers, accepts writes and has this release's tables.
 * Pure.
 */

import type { DatabaseFacts } from '#server/store/installation/database-facts.ts'
import { counted } from '#shared/base/counted.ts'
import type { StatusPart } from './report.ts'

/** The part for a database that answers. */
export function databasePart({
  serverVersion,
  pending,
  isLater,
  takesWrites,
  isOverflowing,
}: DatabaseFacts): StatusPart {
  const state =
    pending.length === 0 ? 'its tables are up to date' : `${counted(pending.length, 'migration', 'migrations')} pending`
  return {
    name: 'database',
    message: `PostgreSQL ${serverVersion}, ${state}`,
    troubles: [
      ...(takesWrites
        ? []
        : [
            'It accepts no writes: name the primary in DATABASE_URL, or all hosts with target_session_attrs=read-write.',
          ]),
      ...(pending.length === 0 ? [] : ['Run: mooring migrate.']),
      ...(isLater ? ['It has migrations from a later release: start the processes of that release.'] : []),
      ...(isOverflowing
        ? [
            'The audit record or verifications have rows that fit in no month: see "months" under Readiness in docs/operations.md.',
          ]
        : []),
    ],
    facts: { serverVersion, pendingMigrations: pending, takesWrites },
  }
}

/** The part for a database that does not answer. */
export function unreachableDatabase(sentence: string): StatusPart {
  const facts = { serverVersion: null, pendingMigrations: null, takesWrites: null }
  return { name: 'database', message: 'does not answer', troubles: [sentence], facts }
}
