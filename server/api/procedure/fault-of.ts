/**
 * Turns an error of any origin (schemas, the tRPC library, the store, our own code) into a fault. Called by both
 * projections of the API and by the procedures. No foreign text ever leaves with it.
 */
import { TRPCError } from '@trpc/server'
import type { z } from 'zod'
import { Fault, type FaultCode, type Issue } from '#shared/faults/fault.ts'
import { namedFault } from '#shared/faults/named-fault.ts'
import { storeFault } from './store-fault.ts'
import { mayRepeat } from './unknown-name.ts'

/** The fault for any thrown value. Foreign errors become `internal_error`; callers never see their text. */
export function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  if (!(thrown instanceof TRPCError)) return storeFault(thrown) ?? new Fault('internal_error', { cause: thrown })
  if (thrown.cause instanceof Fault) return thrown.cause
  if (thrown.code === 'BAD_REQUEST' && thrown.cause instanceof SyntaxError) return new Fault('invalid_json')
  const away = storeFault(thrown.cause)
  if (away !== null) return away
  const codes: Partial<Record<TRPCError['code'], FaultCode>> = {
    PARSE_ERROR: 'invalid_json',
    BAD_REQUEST: 'invalid_request',
    NOT_FOUND: 'route_not_found',
    METHOD_NOT_SUPPORTED: 'method_not_allowed',
    PAYLOAD_TOO_LARGE: 'payload_too_large',
    UNSUPPORTED_MEDIA_TYPE: 'unsupported_media_type',
  }
  return new Fault(codes[thrown.code] ?? 'internal_error', { cause: thrown.cause ?? thrown })
}

/** True for errors that concern the operator: a bug in Mooring, or our own database. */
export function isOurFailure({ code }: Fault): boolean {
  return code === 'internal_error' || code === 'service_unavailable' || code === 'outcome_unknown'
}

/**
 * The fault of an input that its schema rejects: `invalid_body`, or the one that the schema names, with every issue.
 */
export function inputFault(error: z.ZodError, given: unknown): Fault {
  return new Fault(namedFault(error.issues) ?? 'invalid_body', { issues: issuesOf(error, given) })
}

/** Zod's issues as paths, codes and Zod's sentences, which name limits and types and never the value. */
function issuesOf(error: z.ZodError, given: unknown): Issue[] {
  return error.issues.flatMap((issue): Issue[] => {
    const path = issue.path.map(part => (typeof part === 'number' ? part : String(part)))
    const { code, message } = issue
    if (code !== 'unrecognized_keys') return [{ path, code: codeOf(issue), message }]
    const names = issue.keys.filter(key => mayRepeat(key, given))
    const places = names.length === 0 ? [path] : names.map(name => [...path, name])
    return places.map(place => ({ path: place, code, message: 'There is no such field.' }))
  })
}

/** The schema's own code for the reason, if it has one. */
function codeOf(issue: z.ZodError['issues'][number]): string {
  const named: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined
  return typeof named === 'string' ? named : issue.code
}
