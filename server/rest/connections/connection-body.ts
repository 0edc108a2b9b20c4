/**
 * Parses the bodies of the connections dialect, rejected in the vocabulary of Pydantic v2. `connections.ts` calls it; no
 * value is ever repeated here.
 */
import type { z } from 'zod'
import type { RegisterInput } from '#shared/datasources/registration.ts'
import { registerBodyFor, updateBodyFor } from '#shared/dialects/connections-dialect.ts'
import { Fault, type Issue } from '#shared/faults/fault.ts'
import { formatIssue } from './pydantic-issue.ts'

/** Converts a registration's body to the procedure's input. Throws `invalid_body` with every failing field. */
export function parseRegister(given: unknown): RegisterInput {
  const body = bodyObject(given)
  return parsedBody(registerBodyFor(body) ?? refuseBoth(), body)
}

/**
 * The body of a change as the input of `datasources.rotate` if it contains a string, else of `datasources.update`.
 * Throws `invalid_body` with every failing field.
 */
export function parseUpdate(given: unknown) {
  const body = bodyObject(given)
  return parsedBody(updateBodyFor(body) ?? refuseBoth(), body)
}

function refuseBoth(): never {
  const message = 'Value error, give connection_string or sealed_connection_string, not both'
  throw refused([{ path: ['connection_string'], code: 'value_error', message }])
}

/** The body, which must be an object. Throws `invalid_body` if it is missing, `null` or anything else. */
export function bodyObject(body: unknown): object {
  if (body === undefined || body === null) throw refused([{ path: [], code: 'missing', message: 'Field required' }])
  if (typeof body === 'object' && !Array.isArray(body)) return body
  const message = 'Input should be a valid dictionary or object to extract fields from'
  throw refused([{ path: [], code: 'model_attributes_type', message }])
}

/** The body as parsed by a schema. Throws `invalid_body` with every failing field. */
export function parsedBody<S extends z.ZodType>(schema: S, body: object): z.output<S> {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw refused(parsed.error.issues.map(found => formatIssue(found, body)))
  return parsed.data
}

function refused(issues: readonly Issue[]): Fault {
  return new Fault('invalid_body', { issues })
}
