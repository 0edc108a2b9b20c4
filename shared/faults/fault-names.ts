/**
 * Names derived from the table of faults: the class of an error in the datasources dialect, and the current names of
 * codes from older releases.
 */
import type { FaultCode } from './fault.ts'

/** The documented error classes of the datasources dialect, by which callers tell errors apart. */
export type ErrorType =
  | 'AbloValidationError'
  | 'AbloAuthenticationError'
  | 'AbloPermissionError'
  | 'AbloError'
  | 'AbloIdempotencyError'
  | 'AbloRateLimitError'
  | 'AbloServerError'

const ERROR_TYPES: Readonly<Record<number, ErrorType>> = {
  401: 'AbloAuthenticationError',
  403: 'AbloPermissionError',
  404: 'AbloError',
  405: 'AbloError',
  409: 'AbloIdempotencyError',
  429: 'AbloRateLimitError',
}

/** Returns `type` of an error of the datasources dialect, which depends only on the HTTP status. */
export function errorTypeOf(status: number): ErrorType {
  return ERROR_TYPES[status] ?? (status < 500 ? 'AbloValidationError' : 'AbloServerError')
}

/** Codes that were renamed in 0.3. Rows and task outcomes written by an older process contain the old names. */
const RENAMED: Readonly<Record<string, FaultCode>> = {
  rate_limited: 'rate_limit_exceeded',
  quota_exceeded: 'resource_limit_reached',
}

/** Returns the current name of a stored code. */
export function currentCode(stored: string): string {
  return Object.hasOwn(RENAMED, stored) ? (RENAMED[stored] ?? stored) : stored
}
