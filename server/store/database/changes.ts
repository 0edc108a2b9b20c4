/**
 * The changes of datasources, numbered per organization without a gap. The lock of the organization's head makes commits
 * follow in the order of the numbers, so that a reader who goes by them misses none, however late a commit becomes visible.
 *
 * Locks are taken in one order everywhere: idempotency claim, datasource, task, credential, quota, head. So changes are collected
 * while a transaction runs, and written right before it commits; nothing waits for a head but what is about to commit.
 */
import { type QueryExecutorProvider, sql } from 'kysely'

/** The kinds of changes of a datasource. */
export type ChangeKind = 'registered' | 'updated' | 'rotated' | 'verified' | 'removed' | 'introspected' | 'drifted'

/** A change as it is appended. */
export interface NewChange {
  readonly datasourceId: string
  readonly change: ChangeKind
  readonly at: Date
}

/** The changes of a transaction, by organization. */
const COLLECTED = Symbol('changes')

/** From now on a transaction collects changes. `transaction()` of `db.ts` calls it. */
export function collectChanges(tx: object): void {
  Reflect.set(tx, COLLECTED, new Map())
}

function collectedOf(tx: object): Map<string, NewChange[]> {
  const collected: unknown = Reflect.get(tx, COLLECTED)
  if (!(collected instanceof Map)) throw new Error('a change is appended in a transaction')
  return collected
}

/** Appends a change to what a transaction tells when it commits, in the order of the calls. */
export function append(tx: object, org: string, entry: NewChange): void {
  const collected = collectedOf(tx)
  const list = collected.get(org) ?? []
  collected.set(org, list)
  list.push(entry)
}

/** Writes what a transaction has collected: its last statement. `transaction()` of `db.ts` calls it before the commit. */
export async function writeCollected(tx: QueryExecutorProvider & object): Promise<void> {
  // One order of heads as well, though a transaction is of one organization.
  const entries = [...collectedOf(tx)].sort(([one], [other]) => (one < other ? -1 : 1))
  for (const [org, list] of entries) await write(tx, org, list)
}

/** The first epoch of a head is a time, so that two copies of a database never begin the same. */
async function write(tx: QueryExecutorProvider, org: string, list: readonly NewChange[]): Promise<void> {
  const [first] = list
  if (first === undefined) return
  await sql`
    select append_changes_1(${org}::uuid, ${first.at.getTime()}::bigint, ${list.map(one => one.datasourceId)}::uuid[],
      ${list.map(one => one.change)}::text[], ${list.map(one => one.at)}::timestamptz[])
  `.execute(tx)
}
