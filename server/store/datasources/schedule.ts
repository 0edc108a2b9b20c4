/**
 * The schedule of an organization's checks, when its interval becomes shorter or its policy another. Operators' commands call it.
 */
import { sql } from 'kysely'
import { lockDatasources } from '#server/store/locks/lock-datasources.ts'
import type { Tx } from '#server/store/tables/tables.ts'

/** The place of a task `t` in a spread, from 0 up to 1: by its id, so that each statement does the same wherever it is run. */
const PLACE = sql`((hashtextextended(t.id::text, 0) & 2147483647) / 2147483648.0)`

/**
 * Brings checks that are due later than an interval from now forward, spread evenly over it: a shorter interval holds for the
 * databases that are there, too. Checks that are due sooner, or under way, stay as they are.
 */
export async function bringForward(tx: Tx, org: string, of: { seconds: number; now: Date }): Promise<void> {
  const { seconds, now } = of
  await lockDatasources(tx, org)
  const isLater = sql`t.org_id = ${org} and t.standing and t.due_at > ${now}::timestamptz + ${seconds} * interval '1 second'`
  const dueAt = sql`${now}::timestamptz + ${PLACE} * ${seconds} * interval '1 second'`
  await sql`
    update datasources d set next_check_at = ${dueAt} from tasks t
    where d.org_id = ${org} and t.datasource_id = d.id and t.kind = 'verify' and ${isLater}
  `.execute(tx)
  await sql`update tasks t set due_at = ${dueAt} where t.kind in ('verify', 'introspect') and ${isLater}`.execute(tx)
}
