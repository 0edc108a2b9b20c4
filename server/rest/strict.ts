/**
 * Strict parsing for the datasources dialect: the first offending field is named, no value is ever repeated.
 * Its route tables share it.
 */
import type { z } from 'zod'
import { Fault, type Issue } from '#shared/fault.ts'
import { DatasourceId } from '#shared/wire.ts'
import type { Call } from './dialect.ts'

/** Parses a body or query with a schema. Throws `code` with the issues, the offending field first. */
export function parsed<T>(
  schema: z.ZodType<T>,
  value: unknown,
  code: 'invalid_body' | 'invalid_request' = 'invalid_body',
): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new Fault(code, { issues: result.error.issues.map(issueOf) })
}

/** The name of an unknown field is the caller's text: it is repeated only when it looks like a name. */
function issueOf(found: z.core.$ZodIssue): Issue {
  const path = found.path.map(part => (typeof part === 'number' ? part : String(part)))
  if (found.code !== 'unrecognized_keys') return { path, code: found.code, message: found.message }
  const key = found.keys[0] ?? ''
  return {
    path: /^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(key) ? [...path, key] : path,
    code: 'unknown_field',
    message: 'There is no such field.',
  }
}

/** A body that must be an object. Throws `invalid_body` for anything else. */
export function bodyObject(body: unknown): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw new Fault('invalid_body', {
    issues: [{ path: [], code: 'invalid_type', message: 'The body must be a JSON object.' }],
  })
}

/** A malformed id names nothing, like an unknown one. */
export function pathId(call: Call): DatasourceId {
  const id = DatasourceId.safeParse(call.params['id'])
  if (!id.success) throw new Fault('entity_not_found')
  return id.data
}
