/**
 * A claim by which one worker does maintenance for the whole installation. It is a row, because behind a pooler a
 * session lock would belong to nobody.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'

/** How long a claim lasts after its last renewal; then another worker may take over. */
export const HELD_SECONDS = 60

/** Takes or renews the claim; false while another holder has it. Timed by the database's clock. */
export async function hold(db: Db, holder: string): Promise<boolean> {
  const { rows } = await sql`
    update upkeep set holder = ${holder}, held_until = clock_timestamp() + make_interval(secs => ${HELD_SECONDS})
    where name = 'retention' and (held_until <= clock_timestamp() or holder = ${holder})
    returning name
  `.execute(db)
  return rows.length === 1
}

/** Releases the claim, so that another worker may take it at once. */
export async function release(db: Db, holder: string): Promise<void> {
  await sql`update upkeep set held_until = clock_timestamp() where name = 'retention' and holder = ${holder}`.execute(
    db,
  )
}

/**
 * Takes the claim from any holder until `HELD_SECONDS` from now, so that nothing is deleted meanwhile. The previous
 * holder notices at its next batch.
 */
export async function take(db: Db, holder: string): Promise<void> {
  await sql`
    update upkeep set holder = ${holder}, held_until = clock_timestamp() + make_interval(secs => ${HELD_SECONDS})
    where name = 'retention'
  `.execute(db)
}
