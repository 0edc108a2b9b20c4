/**
 * Which work does which kind of task: the worker's whole repertoire.
 * A kind that is not here is never claimed.
 */

import { compare } from '#server/work/checks/compare.ts'
import { validate } from '#server/work/checks/validate.ts'
import { verify } from '#server/work/checks/verify.ts'
import { poll } from '#server/work/feeds/poll.ts'
import { push } from '#server/work/feeds/push.ts'
import { reseal } from '#server/work/keys/reseal.ts'
import { lease } from '#server/work/leases/lease.ts'
import { introspect } from '#server/work/schemas/introspect.ts'
import type { TaskHandlers } from './deps.ts'

/** Handlers of tasks that callers wait for, and of checks. */
export const taskHandlers: TaskHandlers = { verify, compare, validate, introspect, lease, push, reseal }

/** Handlers of tasks that follow feeds. */
export const feedTaskHandlers: TaskHandlers = { poll }
