/**
 * The checklist of a sealed string that is not dialled: only the worker opens it, so its caller learns the reason here,
 * in the sentence with which the same string in clear is refused. Called by `verify-connection.ts`.
 */
import { quoteName } from '#shared/base/sql-text.ts'
import { DIRECT_ITEMS, type DirectItem } from '#shared/checks/items.ts'
import type { FaultCode } from '#shared/faults/fault.ts'
import { failing, skipped } from './dial-checks.ts'
import type { Verification } from './verification.ts'

/** The reason for not dialling, as the one item that fails. */
export interface UndialledReason {
  readonly item: DirectItem
  readonly fault: FaultCode
  readonly actual: string
  readonly fix: string
}

/** A refused string, with the parser's code and sentence. */
export function refusedString({ code, message }: { code: string; message: string }): UndialledReason {
  return { item: 'host', fault: 'invalid_body', actual: `not a valid connection string (${code})`, fix: message }
}

/** A string that names a schema other than the field's. `named` is null if its name repeats the password. */
export function otherSchema(named: string | null, field: string): UndialledReason {
  const displayed = named === null ? 'another one' : quoteName(named)
  return {
    item: 'schema',
    fault: 'schema_conflict',
    actual: `the schema to be registered is ${quoteName(field)}, the connection string names ${displayed}`,
    fix: 'Send the schema field with the name in the sealed string (without the field it is public), or leave the parameter out of the string.',
  }
}

/** The verdict: that item fails, and all others were not reached. */
export function verifyUndialled({ item, fault, actual, fix }: UndialledReason): Verification {
  const checks = DIRECT_ITEMS.map(one => (one === item ? failing(one, fault, { actual, fix }) : skipped(one)).check)
  return { checks, advisories: [], outcome: 'refused', reason: fault, retryable: false }
}
