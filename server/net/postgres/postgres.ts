/**
 * A bounded PostgreSQL session with a customer's server, over a socket that the dialler opened to a judged address.
 *
 * The server is treated as hostile: we perform TLS ourselves, every frame passes the gate, every wait has a time limit,
 * and an error is one of our codes. It must never send a password that the gate did not allow, nor put the server's
 * text in an error. Runs in a dialling process; called by the code that probes and reads catalogs.
 */
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import pg from 'pg'
import { serverProduct } from '#server/domain/checks/server-product.ts'
import { type Deadline, unlessAborted } from '#server/net/socket/deadline.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import type { FailureCode } from '#shared/faults/failure.ts'
import { REFUSED_LOGINS } from '#shared/faults/login-failure.ts'
import { type AuthenticationRules, createAuthenticationRules } from './authentication-rules.ts'
import { createFrameGate, type SessionLimits } from './frame-gate.ts'
import { GatedStream } from './gated-stream.ts'
import { type Link, secure } from './postgres-tls.ts'
import type { DialProgress } from './progress.ts'
import { createSession, type Session, watchBreakage } from './session.ts'
import { sessionError } from './sqlstate.ts'

/** A request to open a session. */
export interface SessionRequest {
  readonly target: Target
  readonly caCertificate: string | null
  /** True if the password may be sent as MD5 under that certificate; false by default. */
  readonly md5Allowed?: boolean
  /** Node's roots, if already prepared; for a target without a CA. */
  readonly roots?: SecureContext | undefined
  readonly limits: SessionLimits
  readonly deadline: Deadline
  readonly progress: DialProgress
  /** The deadline for the login, on the clock of `performance.now()`. */
  readonly connectBy: number
}

/** A socket to a judged address, and whether clear text is allowed on it (`Dialled` of `dial.ts`). */
export interface OpenedSocket {
  readonly socket: Socket
  readonly address: string
  readonly open: boolean
}

const TLS_MS = 5_000
const LOGIN_MS = 10_000

/**
 * Secures the link, logs in, and returns a session. On failure the socket is destroyed.
 *
 * @throws `SessionError`; `request.progress` tells how far it came.
 */
export async function openSession(dialled: OpenedSocket, request: SessionRequest): Promise<Session> {
  const { target, caCertificate, roots, deadline, progress } = request
  const { socket, open } = dialled
  // The stream on top of it handles errors; without a listener of its own the socket would end the process on one.
  socket.on('error', () => {})
  try {
    refuseZeros(target)
    const within = (maxMs: number) => Math.max(1, Math.min(maxMs, request.connectBy - performance.now()))
    deadline.phase('connection_timeout', within(TLS_MS))
    const link = await secure(socket, { target, caCertificate, roots, open, signal: deadline.signal })
    progress.passed = 'tls'
    progress.tls = link.tls
    // In clear text nothing has proven yet that the peer speaks PostgreSQL.
    deadline.phase(link.tls === null ? 'connection_timeout' : 'login_timeout', within(LOGIN_MS))
    const session = await logIn(link, dialled, request)
    progress.passed = 'database'
    return session
  } catch (error) {
    socket.destroy()
    throw sessionError(error, 'request', 'protocol_violation')
  }
}

/** The startup message is a list of zero-terminated names and values: a zero inside one would add parameters to it. */
function refuseZeros(target: Target): void {
  const { user, database, password, applicationName, neonEndpoint } = target
  const texts = [user, database, password, applicationName ?? '', neonEndpoint ?? '']
  if (user === '' || database === '' || texts.some(text => text.includes('\0'))) {
    throw new SessionError('string_refused')
  }
}

async function logIn(link: Link, dialled: OpenedSocket, request: SessionRequest): Promise<Session> {
  const { target, caCertificate, md5Allowed = false, deadline, progress, limits } = request
  const authentication = createAuthenticationRules({
    encrypted: link.tls !== null,
    serverVerified: link.serverVerified,
    caNamed: caCertificate !== null,
    md5Allowed,
    channelBinding: target.channelBinding,
    hasPassword: target.password !== '',
  })
  let product: string | null = null
  const onParameter = (name: string, value: string) => {
    product = serverProduct(name, value) ?? product
  }
  const stream = new GatedStream(link.socket, pass =>
    createFrameGate({ limits, authentication, pass, onParameter: onParameter }),
  )
  const client = createClient(target, { stream, address: dialled.address, encrypted: link.tls !== null })
  const breakage = watchBreakage(client, stream, () => unexplained(authentication, link))
  const stop = () => stream.destroy(deadline.signal.reason)
  deadline.signal.addEventListener('abort', stop, { once: true })
  stream.once('close', () => deadline.signal.removeEventListener('abort', stop))
  try {
    await unlessAborted(deadline.signal, client.connect())
  } catch (error) {
    if (authentication.progress === 'finished') loggedIn(progress, authentication)
    const { moment } = authentication
    stream.destroy()
    const ended = sessionError(breakage.behind(error), moment, 'protocol_violation')
    throw moment === 'proof' && !REFUSED_LOGINS.has(ended.failure.code) ? ended.behindProof() : ended
  }
  loggedIn(progress, authentication)
  if (product !== null) {
    stream.destroy()
    progress.passed = 'database'
    throw new SessionError('server_unknown', { product })
  }
  return createSession({ client, stream, deadline, breakage })
}

function loggedIn(progress: DialProgress, { channelBound, bindingOffered, passwordSent }: AuthenticationRules): void {
  Object.assign(progress, { passed: 'authenticate', channelBound, channelBindingOffered: bindingOffered, passwordSent })
}

/**
 * The failure if the driver refuses what the gate accepted: the signature, or a certificate to which it cannot bind
 * SCRAM.
 */
function unexplained(authentication: AuthenticationRules, link: Link): FailureCode {
  if (authentication.progress === 'claimed') return 'server_not_proven'
  if (authentication.progress === 'finished') return 'connection_lost'
  // The driver has sent its first message and cannot compute the channel binding for the second one.
  const cannotBind = link.tls !== null && authentication.channelBound && authentication.moment === 'exchange'
  return cannotBind ? 'channel_binding_unusable' : 'protocol_violation'
}

function createClient(target: Target, over: { stream: GatedStream; address: string; encrypted: boolean }): pg.Client {
  // Individual fields, never a string; the password as a function, or the driver would look for PGPASSWORD and
  // ~/.pgpass.
  return new pg.Client({
    host: over.address,
    port: target.port,
    user: target.user,
    database: target.database,
    password: () => target.password,
    ssl: false,
    stream: () => over.stream,
    enableChannelBinding: over.encrypted && target.channelBinding !== 'disable',
    application_name: target.applicationName ?? 'mooring',
    ...(target.neonEndpoint === null ? {} : { options: `endpoint=${target.neonEndpoint}` }),
  })
}
