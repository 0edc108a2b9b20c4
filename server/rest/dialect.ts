/**
 * A dialect is a table of routes and a way to spell faults. It maps a body to a procedure's input, calls the router in
 * this process, and maps the output; it decides nothing and never touches the store. The same table makes the OpenAPI
 * document, so a route cannot be served without being documented.
 */

import type { z } from 'zod'
import type { ResponseMetadata, Surface, WebDeps } from '#server/api/context.ts'
import type { Caller } from '#server/api/router.ts'
import type { Fault, FaultCode } from '#shared/faults/fault.ts'

/** How much of a body a route takes. */
export interface BodyLimits {
  readonly maxBytes: number
  readonly maxDepth: number
}

/** A header of requests, by its name in the OpenAPI document, where `openapi-parts.ts` describes it. */
export type RequestHeader =
  | 'RequestId'
  | 'IdempotencyKey'
  | 'Prefer'
  | 'WebhookId'
  | 'WebhookTimestamp'
  | 'WebhookSignature'
  | 'IfNoneMatch'

/** The input of a route, all of it already checked. */
export interface Call {
  readonly caller: Caller
  readonly params: Readonly<Record<string, string>>
  /** The body as JSON; undefined on methods without one. The route parses it with its own schema. */
  readonly body: unknown
  /** The body byte for byte, for a route that keeps it or checks a signature over it. */
  exactBody(): string
  /** A header of the request; undefined where it is absent. */
  header(name: string): string | undefined
  readonly query: URLSearchParams
  /** Seconds that `Prefer: wait=N` asks for, at most 30; undefined without it, and on routes that do not wait. */
  readonly waitSeconds: number | undefined
  readonly responseMetadata: ResponseMetadata
}

/** A list, how its pages are read, and how an answer is spelled around its rows. */
export interface Walk {
  /** Rows after `cursor`, and the next one. A fault of the first page is the answer. */
  page(cursor: string | undefined): Promise<{ readonly rows: readonly unknown[]; readonly nextCursor: string | null }>
  /** The answer: `rows` in one place of it, and `count` nowhere before them. */
  whole(rows: readonly unknown[], count: number): object
}

/** The rest of a list whose first page was read. */
export interface StreamedList {
  readonly first: readonly unknown[]
  readonly cursor: string
  readonly walk: Walk
}

/** The answer of a route. */
export interface Reply {
  readonly status: number
  readonly body: unknown
  /** A list of more than one page: it is written page by page, and `body` is its first one. */
  readonly list?: StreamedList
}

/** The body that a route takes: the schema that it parses with, and bodies to show, by a short name. */
export interface DocumentedBody<S extends z.ZodType = z.ZodType> {
  readonly schema: S
  readonly examples: Readonly<Record<string, unknown>>
  /** True where the body may be left out. */
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
  /** Headers of its own that it reads. */
  readonly headers?: readonly RequestHeader[]
  readonly body?: DocumentedBody
  readonly answers: Readonly<Record<number, DocumentedAnswer>>
  /** The faults that this route may answer beside those of every route with its method and parts. */
  readonly faults: readonly FaultCode[]
  /** True where `Prefer: wait=N` holds the answer until the verdict. */
  readonly waits?: boolean
}

/** One route. A path has `:name` for a parameter. */
export interface Route extends Documented {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  readonly path: string
  /** Limits of its body that differ from the usual size and depth. */
  readonly bodyLimits?: BodyLimits
  run(call: Call): Promise<Reply>
  /** Serves a request that presents no key, where something else than a key may authorize it. */
  keyless?(deps: WebDeps, call: KeylessCall): Promise<Reply>
}

/** A request without a key, of which nothing has been checked yet. */
export interface KeylessCall {
  readonly params: Readonly<Record<string, string>>
  readonly requestId: string
  readonly address: string | null
  header(name: string): string | undefined
  /** Reads the body, at most so many bytes. Throws the faults of `readBytes`, and `invalid_json` for what is no UTF-8. */
  text(maxBytes: number): Promise<string>
}

/** The input for formatting a fault. `body` and `params` are the request's, to point at the input that is meant; never a secret. */
export interface Spelling {
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
  spell(of: Spelling): Reply
}
