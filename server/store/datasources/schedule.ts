/**
 * Reschedules an organization's checks when its interval becomes shorter or its policy changes. Operators' commands
 * call it.
 */

import { sql } from 'kysely'
import { lockDatasources } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/**
 * The position of a task `t` in the spread, from 0 up to 1: derived from its id, so that every statement gets the same
 * value.
 */
const PLACE = sql`((hashtextextended(t.id::text, 0) & 2147483647) / 2147483648.0)`

/**
 * Moves checks that are due later than one interval from now forward, spread evenly over it, so that a shorter interval
 * also applies to existing databases. Checks that are due sooner or running stay unchanged.
 */
export async function bringForward(unit: UnitOfWork, seconds: number): Promise<void> {
  const { tx, org, now } = unit
  await lockDatasources(unit)
  const isLater = sql`t.org_id = ${org} and t.standing and t.due_at > ${now}::timestamptz + ${seconds} * interval '1 second'`
  const dueAt = sql`${now}::timestamptz + ${PLACE} * ${seconds} * interval '1 second'`
  await sql`
    update datasources d set next_check_at = ${dueAt} from tasks t
    where d.org_id = ${org} and t.datasource_id = d.id and t.kind = 'verify' and ${isLater}
  `.execute(tx)
  await sql`update tasks t set due_at = ${dueAt} where t.kind in ('verify', 'introspect') and ${isLater}`.execute(tx)
}
