/**
 * Strict parsing for the datasources dialect: the first offending field is named, no value is ever repeated. A route
 * created here parses its body and query with the schemas shown in the document. The dialect's route tables share it.
 */
import { z } from 'zod'
import { mayRepeat } from '#server/api/procedure/unknown-name.ts'
import type { Call, DocumentedBody, Reply, Route } from '#server/rest/dialect.ts'
import { Fault, type Issue } from '#shared/faults/fault.ts'
import { namedFault } from '#shared/faults/named-fault.ts'

/** The input of a route in addition to the call: its parsed body and query. */
interface Given<B extends z.ZodType, Q extends z.ZodObject> {
  readonly body: z.output<B>
  readonly query: z.output<Q>
}

interface StrictRoute<B extends z.ZodType, Q extends z.ZodObject> extends Omit<Route, 'body' | 'query' | 'run'> {
  readonly body?: DocumentedBody<B>
  readonly query?: Q
  run(call: Call, given: Given<B, Q>): Promise<Reply>
}

/**
 * A route whose body and query are parsed before it runs. Without a `query` schema any query is ignored; the same
 * applies to a body.
 */
export function strictRoute<B extends z.ZodType = z.ZodUndefined, Q extends z.ZodObject = z.ZodObject>(
  route: StrictRoute<B, Q>,
): Route {
  const { body, query, run, ...rest } = route
  return {
    ...rest,
    ...(body === undefined ? {} : { body }),
    ...(query === undefined ? {} : { query }),
    async run(call) {
      const given = {
        body: body === undefined ? undefined : parsed(body.schema, bodyObject(body, call.body)),
        query: query === undefined ? {} : parsed(query, queryObject(call.query), 'invalid_request'),
      }
      // An undeclared part has the type parameter's default, for which these placeholders are valid.
      return run(call, given as Given<B, Q>)
    },
  }
}

/** A query as an object: `name[key]=value` is a property of the object `name`, whatever the key. */
function queryObject(query: URLSearchParams): object {
  const flat = new Map<string, string | Map<string, string>>()
  for (const [name, value] of query) {
    const [, outer, key] = /^([^[\]]+)\[(.*)\]$/s.exec(name) ?? []
    if (outer === undefined || key === undefined) flat.set(name, value)
    else {
      const inner = flat.get(outer)
      flat.set(outer, inner instanceof Map ? inner.set(key, value) : new Map([[key, value]]))
    }
  }
  return Object.fromEntries(
    [...flat].map(([name, value]) => [name, value instanceof Map ? Object.fromEntries(value) : value]),
  )
}

/** Parses a body or query with a schema. Throws `code` with the issues, the offending field first. */
export function parsed<S extends z.ZodType>(
  schema: S,
  value: unknown,
  code: 'invalid_body' | 'invalid_request' = 'invalid_body',
): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new Fault(namedFault(result.error.issues) ?? code, {
    issues: result.error.issues.map(one => issueOf(one, value)),
  })
}

function issueOf(found: z.core.$ZodIssue, value: unknown): Issue {
  const path = found.path.map(part => (typeof part === 'number' ? part : String(part)))
  if (found.code !== 'unrecognized_keys') return { path, code: found.code, message: found.message }
  const key = found.keys[0] ?? ''
  return {
    path: mayRepeat(key, value) ? [...path, key] : path,
    code: 'unknown_field',
    message: 'There is no such field.',
  }
}

/**
 * The body, which must be an object; an optional one defaults to an empty object. Throws `invalid_body` for anything
 * else.
 */
function bodyObject({ isOptional }: DocumentedBody, body: unknown): object {
  if (body === undefined && isOptional === true) return {}
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw new Fault('invalid_body', {
    issues: [{ path: [], code: 'invalid_type', message: 'The body must be a JSON object.' }],
  })
}

/** The `id` of a path for a kind of object other than a datasource. Throws `entity_not_found` for a malformed one. */
export function idIn<S extends z.ZodType>(call: Call, schema: S): z.output<S> {
  const id = schema.safeParse(call.params['id'])
  if (!id.success) throw new Fault('entity_not_found')
  return id.data
}

/** The field for `Prefer: wait`, if the caller sent it. */
export function waiting(call: Call): { waitSeconds?: number } {
  return call.waitSeconds === undefined ? {} : { waitSeconds: call.waitSeconds }
}

/** The `id` of a path, as shown in the document. */
export function documentedId(what: string, example: string): { id: z.ZodType } {
  return { id: z.string().meta({ description: `The id of ${what}.`, example }) }
}
