/**
 * Moves one organization between two installations that share keyrings: fence, copy, verification, switch, and cleanup.
 * Each step can be killed and repeated, and at no time do both installations write for the organization.
 *
 * The switch consists of two commits: the source leaves, then the target's copy goes live. Between them neither serves
 * it.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { newId } from '#server/domain/access/ids.ts'
import { type Screen, startProgress } from '#server/operator/progress.ts'
import { OPERATOR } from '#server/operator/writing.ts'
import type { AuditRow } from '#server/store/access/audit.ts'
import * as upkeep from '#server/store/installation/upkeep.ts'
import { copyPart, removeExtra } from '#server/store/moves/move-copy.ts'
import { stateOf } from '#server/store/moves/move-lookups.ts'
import { countRows, readLines, removeBatch, type TablePart } from '#server/store/moves/move-rows.ts'
import { type Shape, shapeOf } from '#server/store/moves/move-shapes.ts'
import * as source from '#server/store/moves/move-source.ts'
import { COPIED, KEPT_AT_SOURCE } from '#server/store/moves/move-tables.ts'
import * as target from '#server/store/moves/move-target.ts'
import type { MoveStage, Sides } from './checks.ts'

/** How long to wait for work that began before the fence was raised. */
const UNDER_WAY_MS = 30_000
const LOOK_MS = 100
/** The interval for renewing the hold on retention, which lasts a minute. */
const HOLD_MS = 20_000
/** The number of rows deleted at once. */
const BATCH = 1_000
/**
 * The maximum number of passes over rows that changed during the previous one. Behind the fence only retention can
 * still change rows.
 */
const PASSES = 5

/** One run of the command. */
export interface MoveRun extends Sides {
  readonly org: string
  /** Pools on the same databases, for concurrent operations. */
  readonly pools: Sides
  readonly now: () => Date
  readonly say: (line: string) => void
  readonly screen: Screen
}

/** Completes a move. The caller has verified that it may, and holds its lock. */
export async function runMove(move: MoveRun, stage: MoveStage): Promise<void> {
  await using _ = await holdUpkeep(move)
  const moveId = await source.begin(move.source, move.org, randomUUID())
  if (stage === 'copy') {
    const epoch = await fenceAndCopy(move, moveId)
    await source.leave(move.source, { org: move.org, moveId, epoch, event: eventOf(move, 'organization.moved') })
    move.say('The organization has left the source: requests with its keys there are answered by organization_moved.')
  }
  if (stage !== 'wipe') {
    const event = eventOf(move, 'organization.arrived')
    if (!(await target.goLive(move.target, { org: move.org, moveId, event })))
      throw new Error(
        'The copy at the target is gone, and nothing was removed from the source. Give the move up with --cancel.',
      )
    move.say('The organization is in use at the target.')
  }
  await wipe(move)
  move.say(
    'Moved. Its rows are removed from the source; for 30 days, requests with its keys there are answered by organization_moved.',
  )
}

/** Returns the epoch of the copied changes. */
async function fenceAndCopy(move: MoveRun, moveId: string): Promise<string | null> {
  const startedAt = performance.now()
  move.say('Nothing new is written for the organization from now on; reads still work.')
  await source.waitForWriters(move.source, move.org)
  await waitForEnds(move)
  await source.freeze(move.source, move.org)
  move.say(`Work in progress has ended, after ${seconds(startedAt)}.`)
  const epoch = await copyAll(move, moveId)
  move.say(`Every row is the same in both databases, after ${seconds(startedAt)}.`)
  return epoch
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`
}

/** Work that does not end in time is refused when it ends, and the target repeats it. */
async function waitForEnds(move: MoveRun): Promise<void> {
  const until = performance.now() + UNDER_WAY_MS
  for (;;) {
    const left = await source.underWay(move.source, move.org, UNDER_WAY_MS)
    if (left.tasks + left.answers === 0) return
    if (performance.now() >= until)
      return move.say(
        `No longer waited for: ${left.tasks} tasks, ${left.answers} answers to requests. The target will repeat them.`,
      )
    await delay(LOOK_MS)
  }
}

async function copyAll(move: MoveRun, moveId: string): Promise<string | null> {
  const shapes = await shapesOf(move)
  const [own] = shapes
  if (own === undefined) throw new Error('no table is copied')
  await target.makeMonths(move.target, await target.monthsOf(move.source, move.org))
  await replaceTombstone(move, shapes)
  const part = partOf(move, own)
  const lines = await readLines(move.source, part, [[]])
  await target.arrive(move.target, part, { lines, moveId })
  for (let pass = 0; pass < PASSES; pass += 1) {
    const epoch = await source.epochOf(move.source, move.org)
    if ((await copyOnce(move, shapes, pass === 0 ? 'copied' : 'compared')) === 0) return epoch
  }
  throw new Error(
    'The copy stays different from the source: something writes to one of them. Find it, then run this again.',
  )
}

/** One pass over all tables; returns the number of rows that differed. */
async function copyOnce(move: MoveRun, shapes: readonly Shape[], what: string): Promise<number> {
  const parts = shapes.map(shape => partOf(move, shape))
  const counts = await countAll(move.source, parts)
  const total = counts.reduce((sum, count) => sum + count, 0)
  let left = total
  const progress = startProgress(move.screen, { what: `rows ${what}`, total, now: () => performance.now() })
  const onRows = (count: number) => {
    left = Math.max(0, left - count)
    progress.show(left)
  }
  let changed = 0
  for (const part of parts) changed += await copyPart({ ...move, onRows }, part)
  const there = await countAll(move.target, parts)
  const quiet = { ...move, onRows: () => undefined }
  if (there.some((count, at) => count !== counts[at]))
    for (const part of parts.toReversed()) changed += await removeExtra(quiet, part)
  progress.end()
  return changed
}

async function countAll(db: Sides['source'], parts: readonly TablePart[]): Promise<number[]> {
  const counts: number[] = []
  for (const part of parts) counts.push(await countRows(db, part))
  return counts
}

/** If an organization comes back, the record that it had moved away is replaced. */
async function replaceTombstone(move: MoveRun, shapes: readonly Shape[]): Promise<void> {
  const there = await target.tombstoneOf(move.target, move.org)
  if (there) await removeAll(move.target, move, shapes)
}

/** Removes a copy that is not live, so that it never will be, and then the fence. */
export async function cancelMove(move: MoveRun): Promise<void> {
  const [here, there] = [await stateOf(move.source, move.org), await stateOf(move.target, move.org)]
  if (here === undefined || here.movingAt === null || here.arrivingAt !== null)
    throw new Error('No move of this organization has begun here.')
  const isCopy = there !== undefined && there.moveId === here.moveId
  if (isCopy && there.arrivingAt === null)
    throw new Error(
      there.movingAt === null
        ? 'The organization is in use at the target already: run the command without --cancel.'
        : "The target is the organization's current database.",
    )
  if (!isCopy && here.movedAt !== null) throw new Error('The organization has moved, and not to this target.')
  if (isCopy) await removeAll(move.target, move, await shapesOf(move))
  await source.lift(move.source, { org: move.org, event: eventOf(move, 'organization.move_cancelled') })
  move.say('Cancelled: the copy is removed, and the organization is in use here as before.')
}

/** Deletes the credentials' bytes and the keys that open them first. */
async function wipe(move: MoveRun): Promise<void> {
  const shapes = (await shapesOf(move)).toReversed().filter(({ name }) => !KEPT_AT_SOURCE.has(name))
  const isSecret = ({ name }: Shape) => name === 'tasks' || name === 'credentials' || name === 'organization_keys'
  const secrets = shapes.filter(isSecret)
  await remove(move.source, move, secrets)
  move.say('The credentials and keys at the source are destroyed.')
  await remove(
    move.source,
    move,
    shapes.filter(shape => !isSecret(shape)),
  )
}

/**
 * Deletes everything except the audit record: where the organization was before, that record is older than the copy.
 */
async function removeAll(db: Sides['source'], move: MoveRun, shapes: readonly Shape[]): Promise<void> {
  await remove(
    db,
    move,
    shapes.toReversed().filter(({ name }) => name !== 'audit_events'),
  )
}

async function remove(db: Sides['source'], { org }: MoveRun, shapes: readonly Shape[]): Promise<void> {
  for (const shape of shapes) while (await removeBatch(db, { shape, org }, BATCH));
}

async function shapesOf(move: MoveRun): Promise<Shape[]> {
  const shapes: Shape[] = []
  for (const table of COPIED) shapes.push(await shapeOf(move.source, table))
  return shapes
}

function partOf({ org }: MoveRun, shape: Shape): TablePart {
  return { shape, org, isBare: false }
}

/** Pauses retention at both ends. */
async function holdUpkeep(move: MoveRun): Promise<AsyncDisposable> {
  const holder = randomUUID()
  const ends = [move.pools.source, move.pools.target]
  const hold = () => Promise.all(ends.map(db => upkeep.take(db, holder)))
  await hold()
  // If a hold could not be renewed, the comparison notices, since it repeats until nothing differs.
  const timer = setInterval(() => void hold().catch(() => undefined), HOLD_MS)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await Promise.all(ends.map(db => upkeep.release(db, holder)))
    },
  }
}

function eventOf(move: MoveRun, action: string): AuditRow {
  const about = { action, objectKind: 'organization', objectId: move.org, outcome: 'ok' }
  return { id: newId(), actor: OPERATOR, ...about, at: move.now() }
}
