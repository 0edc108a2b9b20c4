/**
 * A failure as shown to a person: the fault's message, its issues, and the request id by which an operator finds it in
 * the log. A failure without an answer has none of these; it says that the installation could not be reached.
 */
import { TRPCClientError } from '@trpc/client'
import { faultOf } from '#client/index.ts'

/** A failure as it is shown. */
export interface Problem {
  /** The fault code; null if the installation did not answer. */
  readonly code: string | null
  readonly message: string
  /** The invalid fields, each with the reason. */
  readonly issues: readonly { readonly field: string; readonly message: string }[]
  readonly requestId: string | null
}

/** Converts the error that a call rejected with. */
export function problemOf(error: unknown): Problem {
  const code = faultOf(error)
  if (!(error instanceof TRPCClientError) || code === null)
    return {
      code: null,
      message: 'Mooring did not answer; retrying when the connection is back.',
      issues: [],
      requestId: null,
    }
  const requestId: unknown = Reflect.get(Object(error.data), 'requestId')
  const issues: unknown = Reflect.get(Object(error.data), 'issues')
  return {
    code,
    message: error.message,
    issues: Array.isArray(issues) ? issues.map(issueOf) : [],
    requestId: typeof requestId === 'string' ? requestId : null,
  }
}

/** True if the key itself was refused, which ends the session. */
export function isSessionOver(error: unknown): boolean {
  const code = faultOf(error) ?? ''
  return /^(apikey|capability)_(invalid|missing|expired|revoked)$/.test(code)
}

function issueOf(issue: unknown): { field: string; message: string } {
  const path: unknown = Reflect.get(Object(issue), 'path')
  const message: unknown = Reflect.get(Object(issue), 'message')
  return { field: Array.isArray(path) ? path.join('.') : '', message: typeof message === 'string' ? message : '' }
}
