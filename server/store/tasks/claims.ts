/**
 * The worker's side of tasks: one worker at a time claims a task and settles it with a fencing token, so that a worker
 * whose claim has expired cannot overwrite the work of the next one. `claim-choice.ts` decides which tasks are claimed.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import { transaction } from '#server/store/database/db.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import { areDue, claimChoice, PLAN_SETTINGS } from './claim-choice.ts'

/** A worker's hold on a task. `token` is a fencing token: settling with an older one changes nothing. */
export interface Claim {
  readonly organizationId: string
  readonly id: string
  readonly kind: TaskKind
  readonly datasourceId: string | null
  readonly standing: boolean
  readonly payload: Buffer | null
  /**
   * The number of attempts, including this one. Written when the work fails: a claim without a result does not count.
   */
  readonly attempts: number
  readonly requested: number
  readonly token: number
  /** The number of the check request that the task was released for; null if none. */
  readonly awaits: number | null
}

/** The subject of each kind of task: a datasource, the whole organization, or either. */
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

/** A claim of a known kind, and therefore with a known subject. */
export type ClaimOf<K extends TaskKind> = Claim & { readonly kind: K; readonly datasourceId: Subjects[K] }

const ABOUT_ORGANIZATION: ReadonlySet<TaskKind> = new Set(['reseal', 'validate'])

/** True if a claim has the given kind and that kind's subject; the table itself does not enforce that they match. */
export function isOfKind<K extends TaskKind>(claim: Claim, kind: K): claim is ClaimOf<K> {
  if (claim.kind !== kind) return false
  return claim.datasourceId === null ? ABOUT_ORGANIZATION.has(kind) : kind !== 'reseal'
}

/** The organization after which the round-robin continues, by priority. */
export type Rounds = Map<number, string>

/** A worker's request for claims. */
export interface ClaimAsk {
  /** Either feed polls or other kinds: the two are never claimed together. */
  readonly kinds: readonly TaskKind[]
  readonly limit: number
  /**
   * The maximum number of claims of one organization that this worker may hold, so that a busy organization leaves room
   * for others.
   */
  readonly perOrganization: number
  /**
   * The organizations of the claims that the worker holds and that count towards `perOrganization`, one entry per
   * claim.
   */
  readonly held: readonly string[]
  readonly leaseMs: number
  readonly now: Date
  readonly priorities: readonly Priority[]
  /** The priorities that `prioritiesDue` returned; the others are skipped. Omitted, all are examined. */
  readonly due?: readonly number[]
  /** Updated by the claim; omitted, each round-robin starts from the beginning. */
  readonly rounds?: Rounds
  /** True if the latest request gets the first slot, false if it gets the second. */
  readonly newestFirst?: boolean
}

/**
 * Why a task runs: a caller requested it, the schedule, a caller requested it after it hung, or the schedule after it
 * failed or hung.
 */
export type Priority = 'asked' | 'scheduled' | 'hung' | 'failed'

/**
 * The priorities of each lane, numbered as in `PRIORITY`. Tasks with a waiting caller go before requested tasks without
 * one.
 */
const PRIORITIES: Readonly<Record<Priority, readonly number[]>> = {
  asked: [0, 1],
  scheduled: [2],
  hung: [3],
  failed: [4],
}
/** The first priority that belongs to polls. */
const POLLS = 5

/** Arbitrary advisory lock keys, held during a claim: one worker at a time claims checks, and one claims polls. */
export const LOCKS = { checks: 7_203_114_866, polls: 7_203_114_867 } as const
/** A worker that finds another one claiming retries this many times, after this delay. */
const LOOKS = 3
const LOOK_MS = 20
/** If the visited organizations have too few due tasks, a claim continues with the next ones, this many times. */
const VISITS = 3
/** The deadline of a claim, since other workers wait for it to end. */
const CLAIM_MS = 1_000

/** A row of a choice: a claim, or nulls if there is none. */
type Chosen = { [K in keyof Claim]: Claim[K] | null } & { readonly visited: string | null }

const NOBODY = '00000000-0000-0000-0000-000000000000'

/**
 * The priorities with a due task that the worker can perform. It takes no lock, so that an idle worker blocks no
 * claims.
 */
export async function prioritiesDue(db: Db, ask: Pick<ClaimAsk, 'kinds' | 'now'>): Promise<number[]> {
  const all = Object.values(PRIORITIES).flatMap(priorities => typedList(priorities, ask))
  const { rows } = await areDue(ask, all).execute(db)
  return rows.map(({ p }) => p)
}

/**
 * Claims up to `limit` due tasks until `now + leaseMs`, lane by lane: alternating between organizations and, within
 * each, between the longest due and the last requested. Empty if other workers keep claiming. One of the few functions
 * that find the organization instead of taking it as a parameter: the worker serves all of them.
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

/** Null if another worker is claiming. */
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

/** Claims of one priority, and whether unvisited organizations remain, which may have more due tasks. */
async function claimOf(tx: Tx, ask: ClaimAsk, priority: number): Promise<{ found: Claim[]; isMore: boolean }> {
  const after = ask.rounds?.get(priority) ?? NOBODY
  const hasCallers = [...PRIORITIES.asked, ...PRIORITIES.hung].includes(priority % POLLS)
  const newestFirst = hasCallers ? (ask.newestFirst ?? false) : null
  const { rows } = await claimChoice<Chosen>({ ...ask, priority, after, newestFirst }).execute(tx)
  const visited = rows[0]?.visited
  if (visited) ask.rounds?.set(priority, visited)
  // Sound: if one column of a claim is present, all are.
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

/**
 * When a standing task is due again: at `dueAt`, a time or an expression of one; null for not until it is requested.
 */
export interface Next {
  readonly dueAt: Date | null | RawBuilder<Date>
  readonly now: Date
  readonly failed: boolean
}

/**
 * A predicate over `tasks`: the claim is still valid. A settled claim is not: its worker may not know that it settled,
 * if the response was lost, and must not release it as failed. A claim of an organization whose rows are being copied
 * is lost.
 */
export function isHeld({ organizationId, id, token }: Claim): RawBuilder<boolean> {
  return sql<boolean>`tasks.org_id = ${organizationId} and tasks.id = ${id} and tasks.token = ${token}
    and tasks.locked_until is not null and ${mayWrite({ organizationId, phase: 'ends' })}`
}

/**
 * The columns that settling sets, for statements that combine it with their effect. The task is due now if it was
 * requested again meanwhile and that request was not settled some other way.
 */
export function settledColumns({ requested, attempts }: Claim, { dueAt, now, failed }: Next): RawBuilder<unknown> {
  return sql`settled = greatest(settled, ${requested}), locked_until = null, ran_out = 0, hung = false,
    awaited_until = case when requested > greatest(settled, ${requested}) then awaited_until end,
    attempts = case when not ${failed}::boolean then 0 when requested > ${requested} then attempts else ${attempts}::integer end,
    due_at = case when requested > greatest(settled, ${requested}) then ${now}::timestamptz else ${dueAt}::timestamptz end`
}

/**
 * Settles a standing task in the transaction of its effect. False if the claim was lost; the caller then rolls back.
 */
export async function settle(tx: Tx, held: Claim, next: Next): Promise<boolean> {
  const { rows } = await sql`update tasks set ${settledColumns(held, next)} where ${isHeld(held)} returning id`.execute(
    tx,
  )
  return rows.length === 1
}

/** Settles a one-time task: removes its payload and stores its outcome for the reader. False if the claim was lost. */
export async function finish(tx: Db, held: Claim, outcome: unknown): Promise<boolean> {
  const rows = await tx
    .updateTable('tasks')
    .set({ outcome: JSON.stringify(outcome), payload: null, due_at: null, locked_until: null, ran_out: 0 })
    .where(isHeld(held))
    .returning('id')
    .execute()
  return rows.length === 1
}
