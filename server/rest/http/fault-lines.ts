/**
 * Logs each fault returned to a caller: who, what, where and why, so that an operator who is asked can find it by the
 * request's id. It contains no value from the request, only codes, names from our schemas, and ids.
 *
 * A caller who is refused repeatedly gets the first lines of a minute and one in a hundred, so that nobody can fill a
 * disk.
 */
import { aboutRequest } from '#server/api/caller/about-request.ts'
import { RefusalSampler } from '#server/api/caller/refusal-sampler.ts'
import { isOurFailure } from '#server/api/procedure/fault-of.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import { networkOf } from '#server/domain/network/client-address.ts'
import { helpingSetting } from '#server/domain/network/helping-setting.ts'
import type { Log } from '#server/log.ts'
import type { Fault } from '#shared/faults/fault.ts'

/** An answer with a fault. */
export interface FaultAnswer {
  readonly requestId: string
  /** The caller; absent if unknown. */
  readonly principal?: Principal
  readonly address: string | null
  /** Values that may name a datasource: path parameters, the input of a procedure. */
  readonly named?: unknown
  readonly surface: string
  readonly route: string
  readonly status: number
  readonly fault: Fault
}

/** Writes the log lines. */
export type FaultLines = (answer: FaultAnswer) => void

/** Creates the writer of one process. Our own failures already have a line of their own, with the cause. */
export function createFaultLines({ log, clock }: { log: Log; clock: () => Date }): FaultLines {
  const sampler = new RefusalSampler()
  return answer => {
    const { fault, principal, address } = answer
    const caller = principal?.id ?? networkOf(address)
    if (isOurFailure(fault) || !sampler.admits(caller, clock())) return
    log.info(fieldsOf(answer), 'request answered with a fault')
  }
}

function fieldsOf({ requestId, principal, address, named, surface, route, status, fault }: FaultAnswer): object {
  return {
    ...aboutRequest({ requestId, principal, named }),
    // A key or a capability is identified by its id; a caller without a known one, by their address.
    ...(principal === undefined ? { address } : { principalKind: principal.kind, principalId: principal.id }),
    stage: 'request',
    surface,
    route,
    status,
    fault: fault.code,
    ...helpingSetting(fault.code, route),
    ...(fault.issues.length === 0 ? {} : { issues: fault.issues.slice(0, MAX_ISSUES).map(shownIssue) }),
  }
}

const MAX_ISSUES = 5

/** Codes for fields that no schema has: such a name is the caller's text, which may be a misplaced secret. */
const UNKNOWN: ReadonlySet<string> = new Set(['unrecognized_keys', 'unknown_field'])

/** The field, by its name in the schema. */
function shownIssue({ path: [field], code }: Fault['issues'][number]): object {
  return typeof field !== 'string' || UNKNOWN.has(code) ? { code } : { field, code }
}
