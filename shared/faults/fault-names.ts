/**
 * What follows from the table of faults: the class of an error in the datasources dialect, and codes as older releases spelled
 * them.
 */
import type { FaultCode } from './fault.ts'

/** The documented class names of the datasources dialect's errors, which callers tell errors apart by. */
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

/** `type` of an error of the datasources dialect, which follows from its HTTP status alone. */
export function errorTypeOf(status: number): ErrorType {
  return ERROR_TYPES[status] ?? (status < 500 ? 'AbloValidationError' : 'AbloServerError')
}

/** Codes that were spelled in another way before 0.3, as rows and outcomes of tasks that an older process wrote hold them. */
const RENAMED: Readonly<Record<string, FaultCode>> = {
  rate_limited: 'rate_limit_exceeded',
  quota_exceeded: 'resource_limit_reached',
}

/** Today's spelling of a code that was stored. */
export function currentCode(stored: string): string {
  return Object.hasOwn(RENAMED, stored) ? (RENAMED[stored] ?? stored) : stored
}
