/**
 * The state machine of a task, as one total table for standing and one-time tasks. An event that a state refuses
 * changes nothing; the statements of `server/store/tasks` refuse it, whichever worker or caller causes it. Pure.
 */

/**
 * The state of a task's row. `overdue`: its claim has expired and no other worker has taken it yet. `idle`: a standing
 * task that waits for a request. `done`: its outcome waits for its reader. `none`: no row exists, before the first
 * event and after the last.
 */
export type TaskState = 'none' | 'queued' | 'claimed' | 'overdue' | 'idle' | 'done'

/**
 * The events of a task. `settled`, `put_off`: the holder ends standing work, which is due again at a time or on
 * request. `finished`: the holder ends one-time work. `released`: the holder releases it undone. `taken`: the requester
 * takes the outcome. `ended`: the requester cancels it, its outcome expires, or its datasource is removed.
 */
export type TaskEvent =
  | 'requested'
  | 'claimed'
  | 'extended'
  | 'ran_out'
  | 'settled'
  | 'put_off'
  | 'finished'
  | 'released'
  | 'taken'
  | 'ended'

/** The ends of a claim: only its holder can cause them, while no other worker has taken over. */
const HELD = { settled: 'queued', put_off: 'idle', finished: 'done', released: 'queued' } as const
const NOT_HELD = {
  extended: null,
  ran_out: null,
  settled: null,
  put_off: null,
  finished: null,
  released: null,
} as const

/** Every state and its response to every event; null for an event that is refused. */
export const TASK_TRANSITIONS: Readonly<Record<TaskState, Readonly<Record<TaskEvent, TaskState | null>>>> = {
  none: { requested: 'queued', claimed: null, ...NOT_HELD, taken: null, ended: null },
  queued: { requested: 'queued', claimed: 'claimed', ...NOT_HELD, taken: null, ended: 'none' },
  claimed: {
    requested: 'claimed',
    claimed: null,
    extended: 'claimed',
    ran_out: 'overdue',
    ...HELD,
    taken: null,
    ended: 'none',
  },
  overdue: {
    requested: 'overdue',
    claimed: 'claimed',
    extended: 'claimed',
    ran_out: null,
    ...HELD,
    taken: null,
    ended: 'none',
  },
  idle: { requested: 'queued', claimed: null, ...NOT_HELD, taken: null, ended: 'none' },
  done: { requested: null, claimed: null, ...NOT_HELD, taken: 'none', ended: 'none' },
}

/** The state of a row at `now`. */
export function taskState(
  row: { readonly due_at: Date | null; readonly locked_until: Date | null; readonly outcome: unknown } | undefined,
  now: Date,
): TaskState {
  if (row === undefined) return 'none'
  if (row.locked_until !== null) return row.locked_until < now ? 'overdue' : 'claimed'
  if (row.outcome !== null) return 'done'
  return row.due_at === null ? 'idle' : 'queued'
}
