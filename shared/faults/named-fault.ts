/**
 * Lets a schema name its fault: an issue may carry the code that callers expect from a documented contract, in place of
 * `invalid_body`. Every surface uses this to turn a schema's issues into a fault.
 */
import type { z } from 'zod'
import { type FaultCode, isFaultCode } from './fault.ts'

/** Returns the parameters of a Zod check that fails with this fault. `message` names the rule and never the value. */
export function failsAs(fault: FaultCode, message: string) {
  return { error: message, params: { fault } }
}

/** Returns the fault that one of the issues names; null if none does. */
export function namedFault(issues: readonly z.core.$ZodIssue[]): FaultCode | null {
  for (const issue of issues) {
    const fault: unknown = issue.code === 'custom' ? issue.params?.['fault'] : undefined
    if (typeof fault === 'string' && isFaultCode(fault)) return fault
  }
  return null
}
