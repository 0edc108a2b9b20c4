/** The table of a task's states against the store: each event in each state ends in the state that the table names. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { TASK_TRANSITIONS, type TaskEvent, type TaskState, taskState } from '#server/domain/tasks/task-state.ts'
import { transaction } from '#server/store/database/db.ts'
import { extend } from '#server/store/tasks/claim-hold.ts'
import { release } from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import * as outcomes from '#server/store/tasks/outcomes.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const NOW = new Date('2031-01-01T00:00:00Z')
const LEASE_MS = 60_000
const later = (ms: number) => new Date(NOW.getTime() + ms)

let mooring: Mooring
let datasourceId: string
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  const connectionString = 'postgresql://app:secret@db.acme.io/shop'
  datasourceId = bareUuid((await mooring.client().datasources.register.mutate({ connectionString })).id)
})
afterAll(() => mooring.stop())

/** One task, as the events of this test find it. `held` is the last claim of it, good or lost. */
interface Subject {
  readonly id: string
  readonly stands: boolean
  readonly now: Date
  readonly held: claims.Claim
}

const org = () => mooring.organization.id

async function ask({ id, stands, now }: Subject): Promise<void> {
  if (stands) return void (await tasks.request(unitOf(mooring.db, org(), now), { id, kind: 'verify', datasourceId }))
  const task = { id, kind: 'validate', datasourceId: null, payload: null, now, expiresAt: later(1e9) } as const
  await tasks.submit(mooring.db, org(), task)
}

async function claim({ stands, now }: Pick<Subject, 'stands' | 'now'>): Promise<claims.Claim | null> {
  const kinds = [stands ? ('verify' as const) : ('validate' as const)]
  const priorities = ['asked', 'scheduled', 'hung', 'failed'] as const
  const one = { kinds, priorities, limit: 1, perOrganization: 9, held: [], leaseMs: LEASE_MS, now }
  const [claimed] = await claims.claim(mooring.db, one)
  return claimed ?? null
}

const settle = (held: claims.Claim, dueAt: Date | null) =>
  transaction(mooring.db, tx => claims.settle(tx, held, { dueAt, now: NOW, failed: false }))

/** The events as the store's functions bring them about. */
const EVENTS: Readonly<Record<Exclude<TaskEvent, 'ran_out'>, (subject: Subject) => Promise<unknown>>> = {
  requested: ask,
  claimed: claim,
  extended: ({ held, now }) => transaction(mooring.db, tx => extend(tx, held, new Date(now.getTime() + LEASE_MS))),
  settled: ({ held, now }) => settle(held, now),
  put_off: ({ held }) => settle(held, null),
  finished: ({ held }) => claims.finish(mooring.db, held, { done: true }),
  released: ({ held, now }) => release(mooring.db, held, now),
  taken: ({ id }) => outcomes.takeOutcome(mooring.db, org(), id),
  ended: ({ id, stands }) =>
    stands ? tasks.endAll(mooring.db, org(), datasourceId) : outcomes.cancel(mooring.db, org(), id),
}

/** A task in a state, by the functions of the store. A state without a claim has the one that ended. */
async function taskIn(state: TaskState, stands: boolean): Promise<Subject> {
  await mooring.db.deleteFrom('tasks').execute()
  const subject = { id: newId(), stands, now: NOW }
  await ask({ ...subject, held: NOBODYS })
  if (state === 'queued') return { ...subject, held: await lostClaim(subject) }
  const held = await claim(subject)
  if (held === null) throw new Error('the task was to be claimed')
  if (state === 'overdue') return { ...subject, held, now: later(LEASE_MS + 1) }
  if (state === 'idle') await settle(held, null)
  if (state === 'done') await claims.finish(mooring.db, held, { done: true })
  if (state === 'none') await mooring.db.deleteFrom('tasks').execute()
  return { ...subject, held }
}

async function lostClaim(subject: Pick<Subject, 'stands' | 'now'>): Promise<claims.Claim> {
  const held = await claim(subject)
  if (held === null) throw new Error('the task was to be claimed')
  await release(mooring.db, held, NOW)
  return held
}

const NOBODYS: claims.Claim = {
  organizationId: '',
  id: '',
  kind: 'verify',
  datasourceId: null,
  standing: true,
  payload: null,
  attempts: 0,
  requested: 0,
  token: 0,
  awaits: null,
}

async function stateOf({ now }: Pick<Subject, 'now'>): Promise<TaskState> {
  const rows = await mooring.db.selectFrom('tasks').select(['due_at', 'locked_until', 'outcome']).execute()
  expect(rows.length).toBeLessThanOrEqual(1)
  return taskState(rows[0], now)
}

const STATES = Object.keys(TASK_TRANSITIONS) as TaskState[] // As the table is typed.
/** The events and states that only a standing task can have; below it, those that only a one-time task can have. */
const STANDING: readonly (TaskEvent | TaskState)[] = ['settled', 'put_off', 'idle']
const ONE_TIME: readonly (TaskEvent | TaskState)[] = ['finished', 'taken', 'done']
const CASES = STATES.flatMap(state =>
  (Object.keys(EVENTS) as (keyof typeof EVENTS)[]).flatMap(
    event => // As it is written.
      [true, false].flatMap(stands => {
        const others = stands ? ONE_TIME : STANDING
        // A task that is done once is submitted once: nothing asks for it again.
        const isMet = !others.includes(state) && !others.includes(event) && (stands || event !== 'requested')
        return isMet ? [{ event, task: stands ? 'standing' : 'one-time', state, stands }] : []
      }),
  ),
)

describe('In the store, the event', () => {
  it('list meets every state, and each event of it', () => {
    expect(new Set(CASES.map(({ event }) => event)).size).toBe(Object.keys(EVENTS).length)
    expect(new Set(CASES.map(({ state }) => state))).toEqual(new Set(STATES))
  })

  it.each(CASES)(
    '$event leads a $task task that is $state where the table says, or nowhere',
    async ({ event, state, stands }) => {
      const subject = await taskIn(state, stands)
      expect(await stateOf(subject)).toBe(state)
      const before = await mooring.db.selectFrom('tasks').selectAll().execute()
      await EVENTS[event](subject)
      const next = TASK_TRANSITIONS[state][event]
      expect(await stateOf(subject)).toBe(next ?? state)
      if (next === null) expect(await mooring.db.selectFrom('tasks').selectAll().execute()).toEqual(before)
    },
  )

  it.each([true, false])('that ends a claim is refused once another worker has it (standing: %s)', async stands => {
    const { held, ...subject } = await taskIn('overdue', stands)
    const next = await claim(subject)
    expect(next).not.toBeNull()
    const before = await mooring.db.selectFrom('tasks').selectAll().execute()
    for (const event of ['extended', stands ? 'settled' : 'finished', 'released'] as const)
      await EVENTS[event]({ ...subject, held })
    expect(await mooring.db.selectFrom('tasks').selectAll().execute()).toEqual(before)
  })
})
