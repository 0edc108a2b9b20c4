/**
 * Names that follow from the table of faults: the class of an error in the datasources dialect, and codes under their
 * names in older releases.
 */
import type { FaultCode } from './fault.ts'

/** The documented class names of the datasources dialect's errors, by which callers distinguish errors. */
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

/** `type` of an error of the datasources dialect, which depends on its HTTP status alone. */
export function errorTypeOf(status: number): ErrorType {
  return ERROR_TYPES[status] ?? (status < 500 ? 'AbloValidationError' : 'AbloServerError')
}

/** Codes with another name before 0.3, which rows and outcomes of an older process's tasks contain. */
const RENAMED: Readonly<Record<string, FaultCode>> = {
  rate_limited: 'rate_limit_exceeded',
  quota_exceeded: 'resource_limit_reached',
}

/** Today's name of a stored code. */
export function currentCode(stored: string): string {
  return Object.hasOwn(RENAMED, stored) ? (RENAMED[stored] ?? stored) : stored
}
