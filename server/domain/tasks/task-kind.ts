/**
 * The kinds of tasks that the web tier, an operator or the schedule requests from the worker. `work/task-handlers.ts`
 * has a handler for each.
 */

/** A task's kind. */
export type TaskKind = 'verify' | 'compare' | 'introspect' | 'poll' | 'validate' | 'lease' | 'reseal' | 'push'
