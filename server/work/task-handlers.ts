/**
 * Maps each kind of task to its handler.
 * A kind that is missing here is never claimed.
 */

import { handleCompare } from '#server/work/checks/compare.ts'
import { handleValidate } from '#server/work/checks/validate.ts'
import { handleVerify } from '#server/work/checks/verify.ts'
import { handlePoll } from '#server/work/feeds/poll.ts'
import { handlePush } from '#server/work/feeds/push.ts'
import { reseal } from '#server/work/keys/reseal.ts'
import { handleLease } from '#server/work/leases/lease.ts'
import { handleIntrospect } from '#server/work/schemas/introspect.ts'
import type { TaskHandlers } from './deps.ts'

/** Handlers of tasks that callers wait for, and of checks. */
export const taskHandlers: TaskHandlers = {
  verify: handleVerify,
  compare: handleCompare,
  validate: handleValidate,
  introspect: handleIntrospect,
  lease: handleLease,
  push: handlePush,
  reseal,
}

/** Handlers of tasks that follow feeds. */
export const feedTaskHandlers: TaskHandlers = { poll: handlePoll }
