/**
 * Work that one worker does for the whole installation, by a claim on its row: through a pooler too, where a lock of the session
 * would belong to nobody.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'

/** How long a claim holds after it was last renewed: a worker that is gone is replaced after it. */
export const HELD_SECONDS = 60

/** Takes or renews the claim; false while another holder has it. By the database's clock. */
export async function hold(db: Db, holder: string): Promise<boolean> {
  const { rows } = await sql`
    update upkeep set holder = ${holder}, held_until = clock_timestamp() + make_interval(secs => ${HELD_SECONDS})
    where name = 'retention' and (held_until <= clock_timestamp() or holder = ${holder})
    returning name
  `.execute(db)
  return rows.length === 1
}

/** Gives the claim back: another worker may take it at once. */
export async function release(db: Db, holder: string): Promise<void> {
  await sql`update upkeep set held_until = clock_timestamp() where name = 'retention' and holder = ${holder}`.execute(
    db,
  )
}

/** Takes the claim from whoever has it, until `HELD_SECONDS` from now: nothing is forgotten meanwhile. The worker that had it sees it at its next batch. */
export async function take(db: Db, holder: string): Promise<void> {
  await sql`
    update upkeep set holder = ${holder}, held_until = clock_timestamp() + make_interval(secs => ${HELD_SECONDS})
    where name = 'retention'
  `.execute(db)
}
