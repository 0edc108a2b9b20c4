/**
 * The changes of datasources, numbered per organization without gaps. The lock on the organization's head forces
 * commits into number order, so that a reader that goes by the numbers misses nothing, however late a commit becomes
 * visible.
 *
 * Locks are taken in one order everywhere: idempotency claim, datasource, task, credential, quota, head. Changes are
 * therefore collected during a transaction and written just before it commits; only a transaction about to commit waits
 * for a head.
 */
import { type QueryExecutorProvider, sql } from 'kysely'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** The kinds of changes of a datasource. */
export type ChangeKind = 'registered' | 'updated' | 'rotated' | 'verified' | 'removed' | 'introspected' | 'drifted'

/** A change to append, at the time of its unit of work. */
export interface NewChange {
  readonly datasourceId: string
  readonly change: ChangeKind
}

interface DatedChange extends NewChange {
  readonly at: Date
}

/** The part of a unit of work that a change needs. */
type Changing = Pick<UnitOfWork, 'org' | 'now'> & { readonly tx: object }

/** The changes of a transaction, by organization. */
const COLLECTED = Symbol('changes')

/** Makes a transaction collect changes. `transaction()` in `db.ts` calls it. */
export function collectChanges(tx: object): void {
  Reflect.set(tx, COLLECTED, new Map())
}

function collectedOf(tx: object): Map<string, DatedChange[]> {
  const collected: unknown = Reflect.get(tx, COLLECTED)
  if (!(collected instanceof Map)) throw new Error('a change is appended in a transaction')
  return collected
}

/** Appends a change to those that the transaction publishes on commit, in call order. */
export function append({ tx, org, now }: Changing, entry: NewChange): void {
  const collected = collectedOf(tx)
  const list = collected.get(org) ?? []
  collected.set(org, list)
  list.push({ ...entry, at: now })
}

/**
 * Writes the collected changes as the transaction's last statement. `transaction()` in `db.ts` calls it before the
 * commit.
 */
export async function writeCollected(tx: QueryExecutorProvider & object): Promise<void> {
  // Heads are locked in a fixed order too, although a transaction normally concerns one organization.
  const entries = [...collectedOf(tx)].sort(([one], [other]) => (one < other ? -1 : 1))
  for (const [org, list] of entries) await write(tx, org, list)
}

/** The first epoch of a head is a timestamp, so that two copies of a database never start with the same epoch. */
async function write(tx: QueryExecutorProvider, org: string, list: readonly DatedChange[]): Promise<void> {
  const [first] = list
  if (first === undefined) return
  await sql`
    select append_changes_1(${org}::uuid, ${first.at.getTime()}::bigint, ${list.map(one => one.datasourceId)}::uuid[],
      ${list.map(one => one.change)}::text[], ${list.map(one => one.at)}::timestamptz[])
  `.execute(tx)
}
