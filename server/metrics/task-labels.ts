/**
 * The closed lists of the worker's labels: kinds of tasks, whom they are for, what is dialled and how that ends.
 */
import { FAILURES } from '#shared/faults/failure.ts'

/** How a dial ended: `ok`, or a code of the table of failures. */
export const DIAL_RESULTS: readonly string[] = ['ok', ...Object.keys(FAILURES)]

/** The kinds of requests to a dialling process. */
export const DIAL_LABELS = ['probe', 'describe', 'locate', 'request'] as const

/** The kinds of tasks. */
export const TASKS = ['verify', 'compare', 'introspect', 'poll', 'validate', 'lease', 'reseal', 'push'] as const

/** Whom a claimed task is for. */
export const LANES = ['asked', 'scheduled', 'hung', 'failed'] as const
