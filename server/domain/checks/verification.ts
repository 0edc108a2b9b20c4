/**
 * The verdict over a direct datasource: from what a dial found to the checklist and the outcome.
 *
 * Fails closed: what was not seen is not passed. It decides about the one datasource that was dialled and nothing else,
 * since a hostile server chooses what is found. Called by what verifies and what validates.
 */

import { schemaFinding } from '#server/domain/checks/fixes/schema-fixes.ts'
import { roleAdvice } from '#server/domain/checks/role/role-advice.ts'
import { isRoleItem, type RoleItem, roleFinding } from '#server/domain/checks/role/role-checks.ts'
import type { Subject } from '#server/domain/checks/role/role-fixes.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { type Advisory, type Check, DIRECT_ITEMS, type DirectItem } from '#shared/checks/check.ts'
import type { Failure } from '#shared/faults/failure.ts'
import type { FaultCode } from '#shared/faults/fault.ts'
import {
  dialAdvice,
  dialLine,
  failed,
  failing,
  isDialItem,
  itemOf,
  type JudgedTarget,
  type Line,
  passing,
  skipped,
} from './dial-checks.ts'
import { placeAdvice } from './place-advice.ts'
import type { Probe, RoleFacts } from './probe.ts'
import { recogniseProvider, roleOfUser } from './provider.ts'
import type { TriedLogin } from './tried-login.ts'

/** What an organization does about role findings: refuse, advise, or not look. */
export type RolePolicy = 'enforce' | 'warn' | 'off'

/** What was asked for: the datasource as it was sealed, without its password. */
export interface Asked {
  /** Null skips the `schema` line. */
  readonly schema: string | null
  readonly rolePolicy: RolePolicy
  readonly dbType: string
  readonly target: JudgedTarget
  /** Whether the server is verified against a CA certificate that a caller named. */
  readonly isCaNamed?: boolean
  /** Whether the password is of ASCII alone; left out, it is. */
  readonly isPasswordAscii?: boolean
  /** The addresses from which this installation dials. */
  readonly egressAddresses?: readonly string[]
}

/**
 * A verdict. `checks` has one line for each of `DIRECT_ITEMS`, in that order. `reason` is the fault of the first line
 * that fails, null when none does; `unreachable` means that trying again can help, which `retryable` repeats.
 */
export interface Verification {
  readonly checks: Check[]
  readonly advisories: Advisory[]
  readonly outcome: 'passed' | 'refused' | 'unreachable'
  readonly reason: FaultCode | null
  readonly retryable: boolean
}

/** The oldest version whose catalogs the checks are tried on. */
const OLDEST_VERSION = 130_000

interface Case {
  readonly probe: Probe
  readonly tried: TriedLogin
  readonly asked: Asked
  readonly subject: Subject
}

/** Judges a dial. Pure and total: any probe gets a verdict, and one without facts never passes. */
export function judgeProbe(probe: Probe, asked: Asked): Verification {
  const { target, dbType, schema } = asked
  const subject: Subject = {
    login: roleOfUser(target.user, target.host),
    provider: recogniseProvider(target.host, dbType),
    database: target.database,
    schema,
    serverVersionNum: probe.facts?.serverVersionNum ?? 0,
  }
  const judged: Case = { probe, asked, subject, tried: triedOf(probe, asked, subject) }
  const lines = linesOf(judged)
  const first = lines.find(line => line.fault !== null)
  const outcome = first === undefined ? 'passed' : first.retryable ? 'unreachable' : 'refused'
  return {
    checks: lines.map(line => line.check),
    advisories: advisoriesOf(judged),
    outcome,
    reason: first?.fault ?? null,
    retryable: outcome === 'unreachable',
  }
}

function triedOf(probe: Probe, asked: Asked, { login, provider }: Subject): TriedLogin {
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
    isIpv6Only: probe.addresses.length > 0 && probe.addresses.every(address => address.includes(':')),
  }
}

function linesOf(judged: Case): Line[] {
  const { probe, tried } = judged
  // Neither facts nor a failure: something was asked and what came back is not an answer.
  const failure: Failure | null = probe.failure ?? (probe.facts === null ? { code: 'facts_unreadable' } : null)
  const ended = failure === null ? null : itemOf(failure, probe)
  const end = ended === null ? DIRECT_ITEMS.length : DIRECT_ITEMS.indexOf(ended)
  return DIRECT_ITEMS.map((item, index) => {
    if (failure !== null && index === end) return failed(item, failure, tried)
    return index > end ? skipped(item) : lineOf(item, judged)
  })
}

function lineOf(item: DirectItem, judged: Case): Line {
  const { probe, asked, subject, tried } = judged
  const { facts } = probe
  if (isDialItem(item)) return dialLine(item, { probe, target: asked.target, tried })
  if (facts === null) return skipped(item)
  if (isRoleItem(item)) return roleLine(item, facts, judged)
  return item === 'server_version' ? versionLine(facts) : schemaLine(probe, subject)
}

function versionLine({ serverVersionNum }: RoleFacts): Line {
  const actual = `PostgreSQL ${versionText(serverVersionNum)}`
  return serverVersionNum >= OLDEST_VERSION
    ? passing('server_version', actual)
    : failing('server_version', 'server_unsupported', { actual, fix: 'Upgrade the server to PostgreSQL 13 or later.' })
}

/** `server_version_num` as people write it: of three parts before 10. */
function versionText(number: number): string {
  const major = Math.floor(number / 10_000)
  return major >= 10 ? `${major}.${number % 10_000}` : `${major}.${Math.floor(number / 100) % 100}.${number % 100}`
}

function roleLine(item: RoleItem, facts: RoleFacts, { asked, subject }: Case): Line {
  if (asked.rolePolicy === 'off') return skipped(item, 'the role policy is off')
  const finding = roleFinding(item, facts, subject)
  if (finding === null) return passing(item, 'nothing found')
  return asked.rolePolicy === 'enforce'
    ? failing(item, 'byo_role_cannot_enforce_rls', finding)
    : skipped(item, `${finding.actual}; the role policy only warns`)
}

function schemaLine({ schemaUsable, schemas }: Probe, { schema, login }: Subject): Line {
  if (schema === null) return skipped('schema', 'none was named')
  if (schemaUsable === true) return passing('schema', quoteName(schema))
  return failing('schema', 'schema_not_found', schemaFinding(schema, login, schemas))
}

function advisoriesOf({ probe, asked, subject }: Case): Advisory[] {
  const { facts } = probe
  const advisories = [...dialAdvice(probe, asked), ...placeAdvice(probe, asked.target)]
  if (facts === null || asked.rolePolicy === 'off') return advisories
  const warnings = DIRECT_ITEMS.filter(isRoleItem).flatMap(item => {
    const finding = asked.rolePolicy === 'warn' ? roleFinding(item, facts, subject) : null
    return finding === null ? [] : [{ item, recommendation: `The role: ${finding.actual}.\n${finding.fix}` }]
  })
  return [...advisories, ...warnings, ...roleAdvice(facts, subject)]
}
