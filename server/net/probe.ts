/**
 * One verification dial: resolve, judge, connect, secure, log in, ask what the role is. Whatever the server does ends as
 * a finding, within the deadline.
 *
 * Runs in a dialling process. Judged by `domain/verification.ts`.
 */
import type { HostPolicy } from '#server/domain/host-policy.ts'
import type { Probe, RoleFacts } from '#server/domain/probe.ts'
import type { Target } from '#shared/connection-string.ts'
import type { Failure } from '#shared/failure.ts'
import { createDeadline, type Deadline } from './deadline.ts'
import { DialError, dial } from './dial.ts'
import { PROBE_LIMITS } from './frame-gate.ts'
import { openSession, type Progress, type Session } from './postgres.ts'
import type { Resolver } from './resolver.ts'
import { readRoleFacts } from './role-facts.ts'
import { SessionError } from './session-error.ts'
import type { Row } from './simple-query.ts'

/** What to probe. */
export interface ProbeRequest {
  readonly target: Target
  /** One or more certificates as PEM; null for Node's roots. */
  readonly caCertificate: string | null
  /** A schema that should be usable; null when none was asked for. */
  readonly schema: string | null
  /** For the whole dial. */
  readonly deadlineMs: number
}

/** What a dial needs beside its request. */
export interface Surroundings {
  readonly policy: HostPolicy
  readonly resolver: Resolver
}

interface Findings {
  facts: RoleFacts | null
  schemaUsable: boolean | null
}

const CONNECT_MS = 5_000

/** Dials a database and asks what its login is. Throws only where our own code is wrong. */
export async function probeDatabase(request: ProbeRequest, surroundings: Surroundings): Promise<Probe> {
  const started = performance.now()
  const deadline = createDeadline(request.deadlineMs)
  const progress: Progress = { passed: null, addresses: [], openNetwork: false, tls: null, channelBound: false }
  const findings: Findings = { facts: null, schemaUsable: null }
  let failure: Failure | null = null
  try {
    const session = await connectSession(request, { ...surroundings, deadline, progress })
    try {
      await ask(session, request, findings)
      progress.passed = 'privilege'
    } finally {
      await session.close()
    }
  } catch (error) {
    failure = failureOf(error)
  } finally {
    deadline.stop()
  }
  return { ...progress, ...findings, failure, tookMs: Math.round(performance.now() - started) }
}

async function connectSession(
  request: ProbeRequest,
  dialling: Surroundings & { readonly deadline: Deadline; readonly progress: Progress },
): Promise<Session> {
  const { target, caCertificate } = request
  const { deadline, progress, policy, resolver } = dialling
  const connectTimeoutMs = Math.min(CONNECT_MS, (target.connectTimeoutSeconds || Infinity) * 1000)
  try {
    const dialled = await dial({
      host: target.host,
      port: target.port,
      purpose: 'postgres',
      policy,
      resolver,
      signal: deadline.signal,
      connectTimeoutMs,
    })
    Object.assign(progress, { passed: 'connect', addresses: dialled.addresses, openNetwork: dialled.open })
    return await openSession(dialled, { target, caCertificate, limits: PROBE_LIMITS, deadline, progress })
  } catch (error) {
    if (error instanceof DialError) {
      Object.assign(progress, { passed: error.passed, addresses: error.addresses })
    }
    throw error
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof SessionError || error instanceof DialError) return error.failure
  throw error
}

/** The facts, and in the first message with them the schema: one round trip more would be seen in every verification. */
async function ask(session: Session, request: ProbeRequest, findings: Findings): Promise<void> {
  let schemaSql = request.schema === null ? null : usableSchemaSql(request.schema)
  const askOne = async (sql: string): Promise<Row[]> => {
    if (schemaSql === null) return (await session.query(sql))[0] ?? []
    const [usable, rows] = await session.query(`${schemaSql};\n${sql}`)
    schemaSql = null
    findings.schemaUsable = usable?.length === 1 && usable[0]?.[0] === 't'
    return rows ?? []
  }
  findings.facts = await readRoleFacts(askOne, request.target.password)
  if (findings.facts === null) throw new SessionError('facts_unreadable')
}

/** Whether a schema of this name exists and the role has USAGE on it. Of the name, only hex digits reach the SQL. */
function usableSchemaSql(schema: string): string {
  const hex = Buffer.from(schema, 'utf8').toString('hex')
  return `select pg_catalog.has_schema_privilege(n.oid, 'usage')
from pg_catalog.pg_namespace n
where n.nspname = pg_catalog.convert_from(pg_catalog.decode('${hex}', 'hex'), 'UTF8')`
}
