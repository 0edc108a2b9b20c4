/**
 * The verdict on a direct datasource: from the findings of a dial to the checklist and the outcome.
 *
 * Fails closed: anything unobserved has not passed. It affects only the dialled datasource, since a hostile server
 * determines the findings. Called by the code that verifies and validates.
 */

import { schemaFinding } from '#server/domain/checks/fixes/schema-fixes.ts'
import { isRoleItem, type RoleItem } from '#server/domain/checks/role/role-checks.ts'
import { type CheckedRole, checkRole, type RolePolicy } from '#server/domain/checks/role/role-findings.ts'
import type { MendedRole } from '#server/domain/checks/role/role-fixes.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'
import { DIRECT_ITEMS, type DirectItem } from '#shared/checks/items.ts'
import type { Failure } from '#shared/faults/failure.ts'
import type { FaultCode } from '#shared/faults/fault.ts'
import {
  type CheckedTarget,
  type CheckResult,
  dialAdvice,
  dialLine,
  failed,
  failing,
  isDialItem,
  itemOf,
  passing,
  skipped,
} from './dial-checks.ts'
import { placeAdvice } from './place-advice.ts'
import type { Probe, RoleFacts } from './probe.ts'
import { recogniseProvider, roleOfUser } from './provider.ts'
import type { TriedLogin } from './tried-login.ts'

/** The request: the datasource as it was sealed, without its password. */
export interface VerificationRequest {
  /** Null skips the `schema` item. */
  readonly schema: string | null
  readonly rolePolicy: RolePolicy
  readonly dbType: string
  readonly target: CheckedTarget
  /** True if the server is verified against a CA certificate supplied by a caller. */
  readonly isCaNamed?: boolean
  /** True if the password is pure ASCII; true by default. */
  readonly isPasswordAscii?: boolean
  /** The addresses from which this installation dials. */
  readonly egressAddresses?: readonly string[]
}

/**
 * A verdict. `checks` has one entry for each of `DIRECT_ITEMS`, in that order. `reason` is the fault of the first
 * failing item, null if none fails; `unreachable` means that a retry may succeed, which `retryable` repeats.
 */
export interface Verification {
  readonly checks: Check[]
  readonly advisories: Advisory[]
  readonly outcome: 'passed' | 'refused' | 'unreachable'
  readonly reason: FaultCode | null
  readonly retryable: boolean
}

/** The oldest version against whose catalogs the checks are tested. */
const OLDEST_VERSION = 130_000

interface Case {
  readonly probe: Probe
  readonly tried: TriedLogin
  readonly asked: VerificationRequest
  readonly subject: MendedRole
  /** Null without facts, and if the policy ignores the role. */
  readonly role: CheckedRole | null
}

/** Judges a dial. Pure and total: any probe gets a verdict, and one without facts never passes. */
export function verifyProbe(probe: Probe, asked: VerificationRequest): Verification {
  const { target, dbType, rolePolicy } = asked
  const { facts } = probe
  const subject: MendedRole = {
    login: roleOfUser(target.user, target.host),
    provider: recogniseProvider(target.host, dbType),
    database: target.database,
    schema: probe.schemas?.isThere === false ? null : (asked.schema ?? 'public'),
    serverVersionNum: facts?.serverVersionNum ?? 0,
  }
  const role = facts === null || rolePolicy === 'off' ? null : checkRole(facts, subject, rolePolicy)
  const evidence: Case = { probe, asked, subject, role, tried: triedOf(probe, asked, subject) }
  const lines = linesOf(evidence)
  const first = lines.find(line => line.fault !== null)
  const outcome = first === undefined ? 'passed' : first.retryable ? 'unreachable' : 'refused'
  return {
    checks: lines.map(line => line.check),
    advisories: advisoriesOf(evidence),
    outcome,
    reason: first?.fault ?? null,
    retryable: outcome === 'unreachable',
  }
}

function triedOf(probe: Probe, asked: VerificationRequest, { login, provider }: MendedRole): TriedLogin {
  const { user, database, host, port } = asked.target
  return {
    login,
    user,
    database,
    host,
    port,
    provider,
    egressAddresses: asked.egressAddresses ?? [],
    isPasswordAscii: asked.isPasswordAscii ?? true,
    isCaNamed: asked.isCaNamed ?? false,
    isEncrypted: probe.tls !== null,
    isResolved: probe.passed === 'resolve',
    isIpv6Only: probe.addresses.length > 0 && probe.addresses.every(address => address.includes(':')),
  }
}

function linesOf(evidence: Case): CheckResult[] {
  const { probe, tried } = evidence
  // Neither facts nor a failure: the answer to a query was not usable.
  const failure: Failure | null = probe.failure ?? (probe.facts === null ? { code: 'facts_unreadable' } : null)
  const ended = failure === null ? null : itemOf(failure, probe)
  const end = ended === null ? DIRECT_ITEMS.length : DIRECT_ITEMS.indexOf(ended)
  return DIRECT_ITEMS.map((item, index) => {
    if (failure !== null && index === end) return failed(item, failure, tried)
    return index > end ? skipped(item) : lineOf(item, evidence)
  })
}

function lineOf(item: DirectItem, evidence: Case): CheckResult {
  const { probe, asked, subject, tried } = evidence
  const { facts } = probe
  if (isDialItem(item)) return dialLine(item, { probe, target: asked.target, tried })
  if (facts === null) return skipped(item)
  if (isRoleItem(item)) return roleLine(item, evidence)
  return item === 'server_version' ? versionLine(facts) : schemaLine(probe, asked.schema, subject)
}

function versionLine({ serverVersionNum }: RoleFacts): CheckResult {
  const actual = `PostgreSQL ${versionText(serverVersionNum)}`
  return serverVersionNum >= OLDEST_VERSION
    ? passing('server_version', actual)
    : failing('server_version', 'server_unsupported', { actual, fix: 'Upgrade the server to PostgreSQL 13 or later.' })
}

/** `server_version_num` in its usual notation: three parts before 10. */
function versionText(number: number): string {
  const major = Math.floor(number / 10_000)
  return major >= 10 ? `${major}.${number % 10_000}` : `${major}.${Math.floor(number / 100) % 100}.${number % 100}`
}

function roleLine(item: RoleItem, { asked, role }: Case): CheckResult {
  if (role === null) return skipped(item, 'the role policy is off')
  const finding = role.lines.get(item)
  if (finding === undefined) return passing(item, 'nothing found')
  return asked.rolePolicy === 'warn'
    ? skipped(item, `${finding.actual}; the role policy only warns`)
    : failing(item, 'byo_role_cannot_enforce_rls', finding)
}

function schemaLine({ schemaUsable, schemas }: Probe, schema: string | null, { login }: MendedRole): CheckResult {
  if (schema === null) return skipped('schema', 'none was named')
  if (schemaUsable === true) return passing('schema', quoteName(schema))
  return failing('schema', 'schema_not_found', schemaFinding(schema, login, schemas))
}

function advisoriesOf({ probe, asked, role }: Case): Advisory[] {
  const advisories = [...dialAdvice(probe, asked), ...placeAdvice(probe, asked.target)]
  if (role === null) return advisories
  const lines = asked.rolePolicy === 'warn' ? [...role.lines] : []
  const warnings = lines.map(([item, { actual, fix }]) => ({ item, recommendation: `The role: ${actual}.\n${fix}` }))
  return [...advisories, ...warnings, ...role.advisories]
}
