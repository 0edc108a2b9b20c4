/**
 * A dialect is a table of routes and a way to spell faults. It maps a body to a procedure's input, calls the router in
 * this process, and maps the output; it decides nothing and never touches the store.
 */

import type { Remarks, Voice } from '#server/api/context.ts'
import type { Caller } from '#server/api/router.ts'
import type { Fault } from '#shared/fault.ts'

/** What a route is given, everything in it already checked. */
export interface Call {
  readonly caller: Caller
  readonly params: Readonly<Record<string, string>>
  /** The body as JSON; undefined on methods without one. The route parses it with its own schema. */
  readonly body: unknown
  readonly query: URLSearchParams
  /** Seconds that `Prefer: wait=N` asks for, at most 30; undefined without it. */
  readonly waitSeconds: number | undefined
  readonly remarks: Remarks
}

/** What a route answers. */
export interface Reply {
  readonly status: number
  readonly body: unknown
}

/** One route. A path has `:name` for a parameter. */
export interface Route {
  readonly method: 'get' | 'post' | 'delete'
  readonly path: string
  run(call: Call): Promise<Reply>
}

/** What a fault is spelled from. `body` is the request's, to show which input was meant; never a secret of it. */
export interface Spelling {
  readonly fault: Fault
  readonly requestId: string
  readonly body: unknown
}

/** A dialect: its routes, and its error shape. */
export interface Dialect {
  readonly voice: Voice
  readonly routes: readonly Route[]
  spell(of: Spelling): Reply
}
