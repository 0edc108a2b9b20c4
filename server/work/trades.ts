/**
 * Which work does which kind of task: the worker's whole repertoire.
 * A kind that is not here is never claimed.
 */

import { compare } from './compare.ts'
import { introspect } from './introspect.ts'
import { lease } from './lease.ts'
import type { Trades } from './parts.ts'
import { poll } from './poll.ts'
import { push } from './push.ts'
import { reseal } from './reseal.ts'
import { validate } from './validate.ts'
import { verify } from './verify.ts'

/** What somebody waits for, and the checks. */
export const trades: Trades = { verify, compare, validate, introspect, lease, push, reseal }

/** What follows feeds. */
export const feedTrades: Trades = { poll }
