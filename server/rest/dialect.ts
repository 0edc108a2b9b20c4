/**
 * A dialect is a table of routes and a way to format faults. It maps a body to a procedure's input, calls the router in
 * this process, and maps the output; it decides nothing and never touches the store. The OpenAPI document is built from
 * the same table, so a route cannot be served without being documented.
 */

import type { z } from 'zod'
import type { ReadAhead } from '#server/api/caller/principal.ts'
import type { ResponseMetadata, Surface, WebDeps } from '#server/api/context.ts'
import type { Caller } from '#server/api/router.ts'
import type { Fault, FaultCode } from '#shared/faults/fault.ts'

/** The limits on a route's body. */
export interface BodyLimits {
  readonly maxBytes: number
  readonly maxDepth: number
}

/** A request header, by its name in the OpenAPI document; `openapi-parts.ts` describes it. */
export type RequestHeader =
  | 'RequestId'
  | 'IdempotencyKey'
  | 'Prefer'
  | 'WebhookId'
  | 'WebhookTimestamp'
  | 'WebhookSignature'
  | 'IfNoneMatch'

/** The input of a route, fully validated. */
export interface Call {
  readonly caller: Caller
  readonly params: Readonly<Record<string, string>>
  /** The body as JSON; undefined on methods without one. The route parses it with its own schema. */
  readonly body: unknown
  /** The exact text of the body, for a route that stores it or verifies a signature over it. */
  exactBody(): string
  /** A header of the request; undefined if it is absent. */
  header(name: string): string | undefined
  readonly query: URLSearchParams
  /** The seconds that `Prefer: wait=N` asks for, at most 30; undefined without it, and on routes that do not wait. */
  readonly waitSeconds: number | undefined
  readonly responseMetadata: ResponseMetadata
}

/** A list: how its pages are read, and how the answer is built around its rows. */
export interface Walk {
  /** Rows after `cursor`, and the next cursor. A fault of the first page becomes the answer. */
  page(cursor: string | undefined): Promise<{ readonly rows: readonly unknown[]; readonly nextCursor: string | null }>
  /** The answer: `rows` appears in one place, and `count` only after it. */
  whole(rows: readonly unknown[], count: number): object
}

/** The rest of a list whose first page has been read. */
export interface StreamedList {
  readonly first: readonly unknown[]
  readonly cursor: string
  readonly walk: Walk
}

/** The answer of a route. */
export interface Reply {
  readonly status: number
  readonly body: unknown
  /** A list of more than one page: it is written page by page, and `body` is its first page. */
  readonly list?: StreamedList
}

/** The body that a route accepts: the schema that parses it, and sample bodies by a short name. */
export interface DocumentedBody<S extends z.ZodType = z.ZodType> {
  readonly schema: S
  readonly examples: Readonly<Record<string, unknown>>
  /** True if the body may be omitted. */
  readonly isOptional?: boolean
}

/** One successful answer. */
export interface DocumentedAnswer {
  readonly description: string
  readonly schema: z.ZodType
  readonly example: unknown
}

/** The documentation of a route. `openapi.ts` adds the answers that every route may give (401, 429, 500, …). */
export interface Documented {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  /** The schemas of the path's parameters; each carries a description and an example. */
  readonly params: Readonly<Record<string, z.ZodType>>
  readonly query?: z.ZodObject
  /** Additional request headers that it reads. */
  readonly headers?: readonly RequestHeader[]
  readonly body?: DocumentedBody
  readonly answers: Readonly<Record<number, DocumentedAnswer>>
  /** The faults that this route may return in addition to those common to its method and parts. */
  readonly faults: readonly FaultCode[]
  /** True if `Prefer: wait=N` delays the answer until the verdict. */
  readonly waits?: boolean
}

/** One route. A path has `:name` for a parameter. */
export interface Route extends Documented {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  readonly path: string
  /** Limits of its body that differ from the usual size and depth. */
  readonly bodyLimits?: BodyLimits
  run(call: Call): Promise<Reply>
  /** The read that its path asks for; null if the path names nothing that there could be. */
  ahead?(params: Call['params']): ReadAhead<unknown> | null
  /** Serves a request without a key, if something other than a key may authorize it. */
  keyless?(deps: WebDeps, call: KeylessCall): Promise<Reply>
}

/** A request without a key, of which nothing has been verified yet. */
export interface KeylessCall {
  readonly params: Readonly<Record<string, string>>
  readonly requestId: string
  readonly address: string | null
  header(name: string): string | undefined
  /** Reads the body, at most `maxBytes`. Throws the faults of `readBytes`, and `invalid_json` for invalid UTF-8. */
  text(maxBytes: number): Promise<string>
}

/**
 * A request that ended in a fault. `body` and `params` are the request's, to point at the offending input; never a
 * secret.
 */
export interface Refused {
  readonly fault: Fault
  readonly requestId: string
  readonly body: unknown
  readonly params: Readonly<Record<string, string>>
}

/** A dialect: its routes, and its error shape. */
export interface Dialect {
  readonly surface: Surface
  readonly routes: readonly Route[]
  /** The shape of an error answer with this status. */
  errorSchema(status: number): z.ZodType
  /** The answer to a request that ended in a fault. */
  faultReply(refused: Refused): Reply
}
