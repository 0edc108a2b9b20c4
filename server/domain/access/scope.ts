/**
 * Decides whether a principal may perform an operation on an object. It is the only place that does; every procedure
 * asks here first.
 */
import type { Scope } from '#shared/access/credential.ts'
import type { Mode } from '#shared/base/wire.ts'
import { Fault, type FaultCode } from '#shared/faults/fault.ts'

/** The caller: an API key, or a capability. */
export interface Principal {
  readonly kind: 'key' | 'capability'
  readonly id: string
  readonly organizationId: string
  readonly mode: Mode
  readonly scopes: readonly Scope[]
  /** The only datasources that it may access, as UUIDs; null for all of the organization's. */
  readonly datasourceIds: readonly string[] | null
  readonly expiresAt: Date | null
  /** The state of its organization's move to another installation; absent if it is not moving. */
  readonly move?: Move
}

/** `moving`: it is read-only here. `arriving`: its copy here is not live yet. `moved`: it is live elsewhere. */
export type Move = 'moving' | 'arriving' | 'moved'

/** The object of an operation. A datasource has an id and a mode; a new one has only a mode. */
export interface Subject {
  readonly datasourceId?: string
  readonly mode?: Mode
}

const READS: ReadonlySet<Scope> = new Set<Scope>(['datasources.read', 'feeds.read', 'organization.read'])

/**
 * The fault, or null if the operation is allowed. A key reads both modes and changes only its own; a capability has the
 * scopes that it names, on the datasources that it names.
 */
export function refusal(principal: Principal, scope: Scope, subject: Subject = {}): FaultCode | null {
  const denied: FaultCode = principal.kind === 'capability' ? 'capability_scope_denied' : 'forbidden'
  if (!principal.scopes.includes(scope)) return denied
  // Whatever its row says, a capability cannot mint: what it issued would outlive it.
  if (principal.kind === 'capability' && scope.startsWith('organization.')) return denied
  if (
    principal.datasourceIds !== null &&
    subject.datasourceId !== undefined &&
    !principal.datasourceIds.includes(subject.datasourceId)
  ) {
    return denied
  }
  // A capability for named datasources cannot create another one.
  if (principal.datasourceIds !== null && scope === 'datasources.create') return denied
  if (!READS.has(scope) && subject.mode !== undefined && subject.mode !== principal.mode) return 'forbidden'
  return null
}

/** Throws `forbidden` or `capability_scope_denied` if the operation is not allowed. */
export function requireScope(principal: Principal, scope: Scope, subject: Subject = {}): void {
  const denied = refusal(principal, scope, subject)
  if (denied !== null) throw new Fault(denied)
}

/** True if `held` contains every scope in `wanted`: nobody grants more than they have. */
export function isWithin(wanted: readonly Scope[], held: readonly Scope[]): boolean {
  return wanted.every(scope => held.includes(scope))
}
