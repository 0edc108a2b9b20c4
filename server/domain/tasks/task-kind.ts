/**
 * The kinds of tasks: what the web tier, an operator or the schedule asks the worker for. `work/task-handlers.ts` has a handler of each.
 */

/** A task's kind. */
export type TaskKind = 'verify' | 'compare' | 'introspect' | 'poll' | 'validate' | 'lease' | 'reseal' | 'push'
