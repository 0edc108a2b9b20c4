/**
 * Runs work in a session with a target: resolve, judge, connect, secure, log in, work and close, all within one
 * deadline. Whatever the server does becomes a finding.
 *
 * Runs in a dialling process; called by each kind of dial that speaks PostgreSQL.
 */
import type { SecureContext } from 'node:tls'
import { repeating } from '#server/domain/checks/withheld.ts'
import type { HostPolicy } from '#server/domain/network/host-policy.ts'
import { createDeadline, type Deadline } from '#server/net/socket/deadline.ts'
import { DialError, dial } from '#server/net/socket/dial.ts'
import type { Resolver } from '#server/net/socket/resolver.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import type { Failure, Stage } from '#shared/faults/failure.ts'
import type { SessionLimits } from './frame-gate.ts'
import { openSession } from './postgres.ts'
import { createProgress, type DialProgress } from './progress.ts'
import type { Session } from './session.ts'

/** The target of a dial, with its deadline and limits. */
export interface SessionDial {
  readonly target: Target
  /** One or more certificates as PEM; null for Node's roots. */
  readonly caCertificate: string | null
  /** True if the password may be sent as MD5 under that certificate; false by default. */
  readonly md5Allowed?: boolean
  /** Addresses, as `address|port`, that must not be dialled for now. */
  readonly avoid?: readonly string[]
  readonly deadlineMs: number
  readonly limits: SessionLimits
}

/** The parts that a dial needs besides its request. */
export interface SessionDeps {
  readonly policy: HostPolicy
  readonly resolver: Resolver
  /** Node's roots, if already prepared: creating them again costs more than a round trip. */
  readonly roots?: SecureContext
  /**
   * Takes over the closing of a session, which the answer need not wait for. Without it, the dial waits for the close.
   */
  readonly partWith?: (goodbye: Promise<void>) => void
  /** Called with each stage that the dial passes. */
  readonly onPassed?: (stage: Stage) => void
}

/**
 * The progress of a session and its end. `result` is what the work returned; null if it, or anything before it, failed.
 */
export interface SessionEnd<T> extends Readonly<DialProgress> {
  readonly result: T | null
  readonly failure: Failure | null
  readonly tookMs: number
}

const CONNECT_MS = 5_000

/**
 * Dials, opens a session, runs `work` in it and closes it. When the work is complete, `passed` is `privilege`.
 *
 * A `SessionError` thrown by the work becomes the failure; the function itself throws only for a bug in our own code.
 */
export async function withSession<T>(
  request: SessionDial,
  surroundings: SessionDeps,
  work: (session: Session) => Promise<T>,
): Promise<SessionEnd<T>> {
  const started = performance.now()
  const deadline = createDeadline(request.deadlineMs)
  const progress = createProgress(surroundings.onPassed)
  const end: { result: T | null; failure: Failure | null } = { result: null, failure: null }
  try {
    const session = await connect(request, { ...surroundings, deadline, progress })
    try {
      end.result = await work(session)
      progress.passed = 'privilege'
    } finally {
      const goodbye = session.close()
      if (surroundings.partWith === undefined) await goodbye
      else surroundings.partWith(goodbye)
    }
  } catch (error) {
    if (!(error instanceof SessionError || error instanceof DialError)) throw error
    end.failure = withoutSecret(settled(error.failure, progress), request.target.password)
  } finally {
    deadline.stop()
  }
  return { ...progress, ...end, tookMs: Math.round(performance.now() - started) }
}

/** A demand for TLS on an encrypted link is about another link: the one from a pooler or proxy to its server. */
function settled(failure: Failure, { tls }: Pick<DialProgress, 'tls'>): Failure {
  return failure.code === 'tls_demanded' && tls !== null ? { ...failure, code: 'pooler_backend_away' } : failure
}

/** A certificate is the text of a stranger who may know the password: one that repeats it is not displayed. */
function withoutSecret(failure: Failure, secret: string): Failure {
  const { certificate, ...rest } = failure
  if (certificate === undefined) return failure
  const texts = [...certificate.names, certificate.subject, certificate.issuer]
  return texts.some(repeating(secret)) ? rest : failure
}

async function connect(
  { target, caCertificate, md5Allowed = false, limits, avoid }: SessionDial,
  under: SessionDeps & { readonly deadline: Deadline; readonly progress: DialProgress },
): Promise<Session> {
  const { deadline, progress, policy, resolver, roots } = under
  const { host, port } = target
  // libpq's `connect_timeout` applies to the whole attempt, including login.
  const limitMs = (target.connectTimeoutSeconds || Infinity) * 1000
  const connectBy = performance.now() + limitMs
  const connectTimeoutMs = Math.min(CONNECT_MS, limitMs)
  try {
    const { database } = target
    const where = { host, port, database, purpose: 'postgres', policy, resolver, avoid: avoid ?? [] } as const
    const onFound = () => {
      progress.passed = 'policy'
    }
    const dialled = await dial({ ...where, signal: deadline.signal, connectTimeoutMs, onFound })
    const { addresses, address, open } = dialled
    Object.assign(progress, { passed: 'connect', addresses, address, openNetwork: open })
    return await openSession(dialled, {
      target,
      caCertificate,
      md5Allowed,
      roots,
      limits,
      deadline,
      progress,
      connectBy,
    })
  } catch (error) {
    if (error instanceof DialError) Object.assign(progress, { passed: error.passed, addresses: error.addresses })
    throw error
  }
}
