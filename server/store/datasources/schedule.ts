/**
 * The schedule of an organization's checks, when its interval becomes shorter. Operators' commands call it.
 */
import { sql } from 'kysely'
import { lockDatasources } from '#server/store/locks/lock-datasources.ts'
import type { Tx } from '#server/store/tables/tables.ts'

/** A task's place in a spread, from 0 up to 1: by its id, so that the statement does the same wherever it is run. */
const PLACE = sql`((hashtextextended(id::text, 0) & 2147483647) / 2147483648.0)`

/**
 * Brings checks that are due later than an interval from now forward, spread evenly over it: a shorter interval holds for the
 * databases that are there, too. What is due sooner, or being checked, stays.
 */
export async function bringForward(tx: Tx, org: string, of: { seconds: number; now: Date }): Promise<void> {
  const { seconds, now } = of
  await lockDatasources(tx, org)
  await sql`
    with moved as (
      update tasks set due_at = ${now}::timestamptz + ${PLACE} * ${seconds} * interval '1 second'
      where org_id = ${org} and standing and kind in ('verify', 'introspect')
        and due_at > ${now}::timestamptz + ${seconds} * interval '1 second'
      returning datasource_id, kind, due_at
    )
    update datasources set next_check_at = moved.due_at
    from moved
    where datasources.org_id = ${org} and datasources.id = moved.datasource_id and moved.kind = 'verify'
  `.execute(tx)
}
