/**
 * Work for the worker, as the worker sees it: claimed by one worker at a time, settled with a fencing token, so that a worker
 * whose claim has run out cannot write over the one that took the work from it. Which tasks are claimed is in `claim-choice.ts`.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import { transaction } from '#server/store/database/db.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import { areDue, claimChoice, PLAN_SETTINGS } from './claim-choice.ts'

/** A worker's hold on a task. `token` fences: settling with an older one changes nothing. */
export interface Claim {
  readonly organizationId: string
  readonly id: string
  readonly kind: TaskKind
  readonly datasourceId: string | null
  readonly standing: boolean
  readonly payload: Buffer | null
  /** With this one. It is written when the work has failed: a claim that comes to nothing counts as none. */
  readonly attempts: number
  readonly requested: number
  readonly token: number
  /** The number of the request for a check that it was given back for; null for none. */
  readonly awaits: number | null
}

/** The subject of a task of each kind: a datasource, the organization as a whole, or either. */
interface Subjects extends Record<TaskKind, string | null> {
  readonly verify: string
  readonly compare: string
  readonly introspect: string
  readonly poll: string
  readonly lease: string
  readonly push: string
  readonly validate: string | null
  readonly reseal: null
}

/** A claim whose kind is known, and with it what it is about. */
export type ClaimOf<K extends TaskKind> = Claim & { readonly kind: K; readonly datasourceId: Subjects[K] }

const ABOUT_ORGANIZATION: ReadonlySet<TaskKind> = new Set(['reseal', 'validate'])

/** Whether a claim is what those of its kind are: any table writer can make a row that is not. */
export function isOfKind<K extends TaskKind>(claim: Claim, kind: K): claim is ClaimOf<K> {
  if (claim.kind !== kind) return false
  return claim.datasourceId === null ? ABOUT_ORGANIZATION.has(kind) : kind !== 'reseal'
}

/** The organization after which the round continues, by priority. */
export type Rounds = Map<number, string>

/** A worker's request for claims. */
export interface ClaimAsk {
  /** Those of feeds, or any others: the two are never claimed together. */
  readonly kinds: readonly TaskKind[]
  readonly limit: number
  /** Claims of one organization that this worker may hold at a time: a noisy one leaves room for the others. */
  readonly perOrganization: number
  /** The organizations of the claims that it holds and that count against this one, one entry a claim. */
  readonly held: readonly string[]
  readonly leaseMs: number
  readonly now: Date
  readonly priorities: readonly Priority[]
  /** As `prioritiesDue` has found them: the others are not looked at. Left out, all are. */
  readonly due?: readonly number[]
  /** Changed by the claim; left out, each round begins anew. */
  readonly rounds?: Rounds
  /** Whether the first place goes to what was asked for last, or the second one. */
  readonly newestFirst?: boolean
}

/**
 * Whom a task is for: somebody who asked for it, the schedule, somebody who asked for it after it has hung, or the schedule
 * again after it has failed or hung.
 */
export type Priority = 'asked' | 'scheduled' | 'hung' | 'failed'

/** As `PRIORITY` counts. Tasks with a waiting caller go before requested tasks without one. */
const PRIORITIES: Readonly<Record<Priority, readonly number[]>> = {
  asked: [0, 1],
  scheduled: [2],
  hung: [3],
  failed: [4],
}
/** From which on they are of polls. */
const POLLS = 5

/** Any numbers that nothing else locks by, for as long as a claim takes: one worker at a time claims checks, and one polls. */
export const LOCKS = { checks: 7_203_114_866, polls: 7_203_114_867 } as const
/** A worker that finds another one claiming looks again this many times, after this long. */
const LOOKS = 3
const LOOK_MS = 20
/** If the visited organizations have too few due tasks, the next ones are visited, this many times in one claim. */
const VISITS = 3
/** Others wait for the end of a claim: one that the database does not answer in so long is given up. */
const CLAIM_MS = 1_000

/** A row of a choice: a claim, or nulls where there is none. */
type Chosen = { [K in keyof Claim]: Claim[K] | null } & { readonly visited: string | null }

const NOBODY = '00000000-0000-0000-0000-000000000000'

/**
 * The priorities of which something is due that a worker can do. It takes no lock: what has nothing to do keeps nobody from
 * claiming.
 */
export async function prioritiesDue(db: Db, ask: Pick<ClaimAsk, 'kinds' | 'now'>): Promise<number[]> {
  const all = Object.values(PRIORITIES).flatMap(priorities => typedList(priorities, ask))
  const { rows } = await areDue(ask, all).execute(db)
  return rows.map(({ p }) => p)
}

/**
 * Claims up to `limit` due tasks until `now + leaseMs`, of the lanes in their order: of organizations in turn, of each the longest
 * due, and in turn with them what was asked for last. None while other workers claim all the time. One of the functions that
 * find the organization instead of being told it: the worker serves all of them.
 */
export async function claim(db: Db, ask: ClaimAsk): Promise<Claim[]> {
  const wanted = ask.priorities.flatMap(priority => typedList(PRIORITIES[priority], ask))
  const priorities = wanted.filter(priority => ask.due?.includes(priority) ?? true)
  if (priorities.length === 0) return []
  for (let look = 0; look <= LOOKS; look += 1) {
    if (look > 0) await delay(LOOK_MS)
    const claimed = await transaction(db, tx => claimLocked(tx, ask, priorities))
    if (claimed !== null) return claimed
  }
  return []
}

/** Null when another worker is claiming. */
async function claimLocked(tx: Tx, ask: ClaimAsk, priorities: readonly number[]): Promise<Claim[] | null> {
  const lock = isOfPolls(ask) ? LOCKS.polls : LOCKS.checks
  const { rows } = await sql<{ taken: boolean }>`select pg_try_advisory_xact_lock(${lock}) as taken`.execute(tx)
  if (rows[0]?.taken !== true) return null
  const settings = Object.entries({ ...PLAN_SETTINGS, statement_timeout: `${CLAIM_MS}ms` })
  await sql.raw(settings.map(([name, value]) => `set local ${name} = '${value}'`).join('; ')).execute(tx)
  const claimed: Claim[] = []
  for (const priority of priorities) {
    for (let visit = 0; visit < VISITS && claimed.length < ask.limit; visit += 1) {
      const rest = { ...ask, limit: ask.limit - claimed.length, held: [...ask.held, ...ownersOf(claimed)] }
      const { found, isMore } = await claimOf(tx, rest, priority)
      claimed.push(...found)
      if (!isMore) break
    }
  }
  return claimed
}

/** Claims of one priority; whether there are organizations that were not visited, which may have more. */
async function claimOf(tx: Tx, ask: ClaimAsk, priority: number): Promise<{ found: Claim[]; isMore: boolean }> {
  const after = ask.rounds?.get(priority) ?? NOBODY
  const hasCallers = [...PRIORITIES.asked, ...PRIORITIES.hung].includes(priority % POLLS)
  const newestFirst = hasCallers ? (ask.newestFirst ?? false) : null
  const { rows } = await claimChoice<Chosen>({ ...ask, priority, after, newestFirst }).execute(tx)
  const visited = rows[0]?.visited
  if (visited) ask.rounds?.set(priority, visited)
  // Sound: where one column of a claim is there, all are.
  const found = rows.filter(row => row.id !== null).map(({ visited: _, ...row }) => row as Claim)
  return { found, isMore: Boolean(visited) && ask.rounds !== undefined }
}

function isOfPolls({ kinds }: Pick<ClaimAsk, 'kinds'>): boolean {
  return kinds.includes('poll')
}

function typedList(priorities: readonly number[], ask: Pick<ClaimAsk, 'kinds'>): number[] {
  return priorities.map(priority => priority + (isOfPolls(ask) ? POLLS : 0))
}

function ownersOf(claimed: readonly Claim[]): string[] {
  return claimed.map(({ organizationId }) => organizationId)
}

/** How a standing task goes on: due again at `dueAt`, a time or an expression of one; null for not before it is requested. */
export interface Next {
  readonly dueAt: Date | null | RawBuilder<Date>
  readonly now: Date
  readonly failed: boolean
}

/**
 * A predicate over `tasks`: the claim is still good. One that was settled is not: its worker may not know that, if the answer was
 * lost, and must not give it back as failed. That of an organization whose rows are being copied elsewhere is lost.
 */
export function isHeld({ organizationId, id, token }: Claim): RawBuilder<boolean> {
  return sql<boolean>`tasks.org_id = ${organizationId} and tasks.id = ${id} and tasks.token = ${token}
    and tasks.locked_until is not null and ${mayWrite({ organizationId, phase: 'ends' })}`
}

/**
 * The columns that settling sets, for statements that do it together with their effect: due now when it was requested again meanwhile, and that
 * request was not settled by another way.
 */
export function settledColumns({ requested, attempts }: Claim, { dueAt, now, failed }: Next): RawBuilder<unknown> {
  return sql`settled = greatest(settled, ${requested}), locked_until = null, ran_out = 0, hung = false,
    awaited_until = case when requested > greatest(settled, ${requested}) then awaited_until end,
    attempts = case when not ${failed}::boolean then 0 when requested > ${requested} then attempts else ${attempts}::integer end,
    due_at = case when requested > greatest(settled, ${requested}) then ${now}::timestamptz else ${dueAt}::timestamptz end`
}

/** Settles a standing task in the transaction of its effect. False when the claim was lost; the caller then rolls back. */
export async function settle(tx: Tx, held: Claim, next: Next): Promise<boolean> {
  const { rows } = await sql`update tasks set ${settledColumns(held, next)} where ${isHeld(held)} returning id`.execute(
    tx,
  )
  return rows.length === 1
}

/** Settles a task that is done once: its payload is gone, its outcome awaits the reader. False when the claim was lost. */
export async function finish(tx: Db, held: Claim, outcome: unknown): Promise<boolean> {
  const rows = await tx
    .updateTable('tasks')
    .set({ outcome: JSON.stringify(outcome), payload: null, due_at: null, locked_until: null, ran_out: 0 })
    .where(isHeld(held))
    .returning('id')
    .execute()
  return rows.length === 1
}
