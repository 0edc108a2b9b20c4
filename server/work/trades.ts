/** Which work does which kind of task: the worker's whole repertoire. */

import { introspect } from './introspect.ts'
import { lease } from './lease.ts'
import type { Trades } from './parts.ts'
import { validate } from './validate.ts'
import { verify } from './verify.ts'

export const trades: Trades = { verify, validate, introspect, lease }
