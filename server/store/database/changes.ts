/**
 * What has happened to datasources, numbered per organization without a gap. The lock of the organization's head makes commits
 * follow in the order of the numbers, so that a reader who goes by them misses none, however late a commit becomes visible.
 *
 * Locks are taken in one order everywhere: idempotency claim, datasource, task, credential, quota, head. So changes are collected
 * while a transaction runs, and written right before it commits; nothing waits for a head but what is about to commit.
 */
import { type QueryExecutorProvider, type RawBuilder, sql } from 'kysely'

/** What can happen to a datasource. */
export type Change = 'registered' | 'updated' | 'rotated' | 'verified' | 'removed' | 'introspected' | 'drifted'

/** A change as it is appended. */
export interface NewChange {
  readonly datasourceId: string
  readonly change: Change
  readonly at: Date
}

/** Where a transaction carries its changes, by organization. */
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

async function write(tx: QueryExecutorProvider, org: string, list: readonly NewChange[]): Promise<void> {
  const [first] = list
  if (first === undefined) return
  await sql`
    with head as (
      insert into change_heads (org_id, epoch, last) values (${org}, ${newEpoch(first.at)}, ${list.length})
      on conflict (org_id) do update set last = change_heads.last + excluded.last
      returning last
    )
    insert into changes (org_id, n, datasource_id, change, at)
    select ${org}::uuid, head.last - ${list.length}::bigint + c.place, c.datasource_id, c.change, c.at
    from head, unnest(${list.map(one => one.datasourceId)}::uuid[], ${list.map(one => one.change)}::text[],
      ${list.map(one => one.at)}::timestamptz[]) with ordinality as c (datasource_id, change, at, place)
  `.execute(tx)
}

/**
 * The sub-statements that append one change in a statement of its own: to be put behind the others of its `with`. `of` names the
 * sub-statement whose row is told of; `others` those that lock something, each with a `returning`: they are done before the head
 * is locked.
 */
export function appended(
  org: string,
  entry: NewChange,
  { of, others }: { of: string; others: readonly string[] },
): RawBuilder<unknown> {
  // Counted, not only begun: `exists` would stop at the first row, and leave the other locks for later.
  const after = others.map(name => sql`and (select count(*) from ${sql.ref(name)}) >= 0`)
  return sql`head as (
      insert into change_heads (org_id, epoch, last)
      select ${org}::uuid, ${newEpoch(entry.at)}::bigint, 1 from ${sql.ref(of)} where true ${sql.join(after, sql` `)}
      on conflict (org_id) do update set last = change_heads.last + 1
      returning last
    ), told as (
      insert into changes (org_id, n, datasource_id, change, at)
      select ${org}::uuid, last, ${entry.datasourceId}::uuid, ${entry.change}, ${entry.at}::timestamptz from head
    )`
}

/** The first epoch of a head: a time, so that two copies of a database never begin the same. */
export function newEpoch(at: Date): number {
  return at.getTime()
}
