/**
 * The closed lists of the worker's labels: kinds of tasks, priorities,
 * kinds of dials and their results.
 */
import { FAILURES } from '#shared/faults/failure.ts'

/** The result of a dial: `ok`, or a code from the table of failures. */
export const DIAL_RESULTS: readonly string[] = ['ok', ...Object.keys(FAILURES)]

/** The kinds of requests to a dialling process. */
export const DIAL_LABELS = ['probe', 'describe', 'locate', 'request'] as const

/** The kinds of tasks. */
export const TASKS = ['verify', 'compare', 'introspect', 'poll', 'validate', 'lease', 'reseal', 'push'] as const

/** The priorities of claimed tasks. */
export const CLAIMED_PRIORITIES = ['asked', 'scheduled', 'hung', 'failed'] as const
