/**
 * A bounded PostgreSQL session with a customer's server, over a socket that the dialler opened to a judged address.
 *
 * The server is taken for hostile: TLS is ours, every frame passes the gate, every wait has a clock, and an error is one
 * of our codes. It must never send a password that the gate did not allow, nor let a text of the server out in an error.
 * Runs in a dialling process; called by what probes and describes.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import pg from 'pg'
import type { Probe } from '#server/domain/probe.ts'
import type { Target } from '#shared/connection-string.ts'
import type { FailureCode } from '#shared/failure.ts'
import { type AuthenticationRules, createAuthenticationRules } from './authentication-rules.ts'
import { type Deadline, unlessAborted } from './deadline.ts'
import { createFrameGate, type SessionLimits } from './frame-gate.ts'
import { GatedStream } from './gated-stream.ts'
import { type Link, secure } from './postgres-tls.ts'
import { SessionError } from './session-error.ts'
import { type Row, simpleQuery } from './simple-query.ts'
import { sessionError } from './sqlstate.ts'

/** How far a dial came. Written to as it proceeds, so that a failure leaves behind what was found before it. */
export type Progress = { -readonly [K in 'passed' | 'addresses' | 'openNetwork' | 'tls' | 'channelBound']: Probe[K] }

/** What is wanted of a session. */
export interface SessionRequest {
  readonly target: Target
  readonly caCertificate: string | null
  readonly limits: SessionLimits
  readonly deadline: Deadline
  readonly progress: Progress
}

/** A socket to a judged address, and whether clear text is allowed to it (`Dialled` of `dial.ts`). */
export interface OpenedSocket {
  readonly socket: Socket
  readonly address: string
  readonly open: boolean
}

/** A session in which nothing can be written. Every function throws `SessionError` alone. */
export interface Session {
  /**
   * Runs statements of ours in one message and one read-only transaction of their own, so that nothing is held between
   * two calls and a transaction pooler is as good as a server. Gives the rows of each statement that has columns.
   */
  query(sql: string): Promise<Row[][]>
  /** As `query`, for one statement whose rows are not kept. While `onRow` has a promise pending, nothing more is read. */
  stream(sql: string, onRow: (row: Row) => void | Promise<void>): Promise<void>
  /** Says goodbye, and is done within 250 ms, whatever the server does. Never throws. */
  close(): Promise<void>
}

const TLS_MS = 5_000
const LOGIN_MS = 10_000
const QUERY_MS = 10_000
const LOCK_MS = 1_000
const CLOSE_MS = 250

/**
 * Secures the link, logs in, and gives a session. On failure the socket is destroyed.
 *
 * @throws `SessionError`; `request.progress` tells how far it came.
 */
export async function openSession(dialled: OpenedSocket, request: SessionRequest): Promise<Session> {
  const { target, caCertificate, deadline, progress } = request
  const { socket, open } = dialled
  // Errors are taken from the stream on top of it; without a listener of its own they would end the process.
  socket.on('error', () => {})
  try {
    refuseZeros(target)
    deadline.phase('connection_timeout', TLS_MS)
    const link = await secure(socket, { target, caCertificate, open, signal: deadline.signal })
    progress.passed = 'tls'
    progress.tls = link.tls
    deadline.phase('connection_timeout', LOGIN_MS)
    const session = await logIn(link, dialled, request)
    progress.passed = 'database'
    return session
  } catch (error) {
    socket.destroy()
    throw sessionError(error, 'login', 'protocol_violation')
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
  const { target, deadline, progress, limits } = request
  const authentication = createAuthenticationRules({
    encrypted: link.tls !== null,
    serverVerified: link.serverVerified,
    channelBinding: target.channelBinding,
    hasPassword: target.password !== '',
  })
  const stream = new GatedStream(link.socket, pass => createFrameGate({ limits, authentication, pass }))
  const client = createClient(target, { stream, address: dialled.address, encrypted: link.tls !== null })
  const breakage = watch(client, stream, () => unexplained(authentication, link))
  const stop = () => stream.destroy(deadline.signal.reason)
  deadline.signal.addEventListener('abort', stop, { once: true })
  stream.once('close', () => deadline.signal.removeEventListener('abort', stop))
  try {
    await unlessAborted(deadline.signal, client.connect())
  } catch (error) {
    if (authentication.progress === 'finished') progress.passed = 'authenticate'
    stream.destroy()
    throw sessionError(breakage.behind(error), 'login', 'protocol_violation')
  }
  progress.channelBound = authentication.channelBound
  return createSession({ client, stream, deadline, breakage })
}

interface Breakage {
  /** What really happened, where the driver says only that it can go on no longer. */
  behind(error: unknown): unknown
}

/**
 * Takes the first thing that breaks a session, which is the reason why whatever is called next fails, and stops reading
 * there and then: behind a wrong signature the same bytes may say Ok.
 */
function watch(client: pg.Client, stream: GatedStream, unexplained: () => FailureCode): Breakage {
  let first: SessionError | null = null
  const take = (error: unknown) => {
    first ??= sessionError(error, 'query', unexplained())
    stream.destroy(first)
  }
  client.connection.on('error', take)
  // Without a listener of its own this event would end the process.
  client.on('error', take)
  const telling = (error: unknown) => error instanceof SessionError || error instanceof pg.DatabaseError
  return { behind: error => (telling(error) ? error : (first ?? error)) }
}

/** What the driver objects to when the gate did not: the signature, or a certificate that it cannot bind SCRAM to. */
function unexplained(authentication: AuthenticationRules, link: Link): FailureCode {
  if (authentication.progress === 'claimed') return 'server_not_proven'
  return link.tls !== null && authentication.channelBound ? 'channel_binding_missing' : 'protocol_violation'
}

function createClient(target: Target, over: { stream: GatedStream; address: string; encrypted: boolean }): pg.Client {
  // Fields one by one, never a string; the password as a function, or the driver would look for PGPASSWORD and ~/.pgpass.
  const client = new pg.Client({
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
  return client
}

interface OpenSession {
  readonly client: pg.Client
  readonly stream: GatedStream
  readonly deadline: Deadline
  readonly breakage: Breakage
}

function createSession({ client, stream, deadline, breakage }: OpenSession): Session {
  const run = (sql: string, sink: { onResult(): void; onRow(row: Row): void }) => {
    const timeoutMs = Math.min(QUERY_MS, deadline.remainingMs())
    deadline.phase('query_timeout', timeoutMs)
    const done = new Promise<void>((resolve, reject) => {
      client.query(simpleQuery(inTransaction(sql, timeoutMs), { ...sink, onEnd: resolve, onError: reject }))
    })
    return unlessAborted(deadline.signal, done).catch(error => {
      throw sessionError(breakage.behind(error), 'query', 'connection_lost')
    })
  }
  return {
    async query(sql) {
      const results: Row[][] = []
      await run(sql, { onResult: () => results.push([]), onRow: row => results.at(-1)?.push(row) })
      return results
    },
    stream: (sql, onRow) => run(sql, { onResult: () => {}, onRow: row => hold(stream, onRow(row)) }),
    close: () => close(client, stream),
  }
}

/** Reads nothing more until the promise of a row is settled; a rejected one ends the session. */
function hold(stream: GatedStream, pending: void | Promise<void>): void {
  if (!(pending instanceof Promise)) return
  stream.pause()
  pending.then(
    () => stream.resume(),
    () => stream.destroy(new SessionError('connection_lost')),
  )
}

/**
 * Limits are set inside, since poolers refuse them as startup parameters, and first of all the search path: a database's
 * owner can plant look-alike catalogs and operators (CVE-2018-1058).
 */
function inTransaction(sql: string, timeoutMs: number): string {
  return [
    'begin read only',
    'set local search_path = pg_catalog, pg_temp',
    `set local statement_timeout = ${timeoutMs}`,
    `set local lock_timeout = ${LOCK_MS}`,
    `set local idle_in_transaction_session_timeout = ${QUERY_MS}`,
    sql.trim().replace(/;$/, ''),
    'commit',
  ].join(';\n')
}

async function close(client: pg.Client, stream: GatedStream): Promise<void> {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), CLOSE_MS)
  try {
    if (!stream.destroyed) {
      const closed = once(stream, 'close', { signal: timeout.signal })
      client.end(() => {})
      await closed
    }
  } catch {
    // It was not closed in time, or broke: it is destroyed all the same.
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
}
