/**
 * Filters between a customer's server and the driver: only complete, well-formed frames, within limits and in an order
 * that PostgreSQL itself would use, get through. Frames that the driver does not need (notices, parameters, cancel
 * keys) are validated, counted and dropped here.
 *
 * It must never keep a byte of a frame that it did not admit, nor quote what it received. Called by the gated stream.
 */

import { SessionError } from '#server/net/socket/session-error.ts'
import type { AuthenticationRules } from './authentication-rules.ts'
import { checkShape, type FrameKind } from './frame-shapes.ts'
import { createFrameReader, HEADER_BYTES } from './frames.ts'

/** The limits on what one session may receive. */
export interface SessionLimits {
  /** The limit on one row, including its length fields. */
  readonly maxRowBytes: number
  readonly maxRows: number
  /** The limit on everything after authentication. */
  readonly maxTotalBytes: number
}

/** Sufficient for a role's facts. */
export const PROBE_LIMITS: SessionLimits = { maxRowBytes: 1 << 20, maxRows: 1_000, maxTotalBytes: 2 << 20 }

/** The gate of one session, between both directions of its stream. Both functions throw `SessionError` to refuse. */
export interface FrameGate {
  /** Takes bytes from the server and passes valid frames on. */
  received(chunk: Buffer): void
  /** Takes one of our messages before it is sent. */
  sent(message: Buffer): void
}

interface GateOptions {
  readonly limits: SessionLimits
  readonly authentication: AuthenticationRules
  /** Receives each frame meant for the driver. */
  readonly pass: (frame: Buffer) => void
  /** Receives each parameter that the server reports during login. */
  readonly onParameter?: (name: string, value: string) => void
}

/** Sufficient for everything that an honest server sends before login completes. */
const MAX_BYTES_BEFORE_LOGIN = 64 << 10
const MAX_NOTICES = 50
/** The maximum number of statements answered in one session. */
const MAX_RESULTS = 200
const MAX_PARAMETERS = 100

type Phase = 'login' | 'welcome' | 'idle' | 'query'
type Result = 'none' | 'rows' | 'failed'

/** The kinds of frames allowed in each phase. */
const ALLOWED: Readonly<Record<Phase, string>> = { login: 'REN', welcome: 'SKNEZ', idle: 'SNE', query: 'TDCISNEZ' }
const AFTER_FAILURE = 'SNZ'
/** Longer bodies are rejected at their header. `D` is limited by `SessionLimits`. */
const MAX_BODY: Readonly<Record<FrameKind, number>> = {
  R: 4096,
  S: 8192,
  K: 260,
  E: 65_536,
  N: 65_536,
  Z: 1,
  T: 262_144,
  D: 0,
  C: 256,
  I: 0,
}
const WANTED = 'REZTDCI'

interface State {
  phase: Phase
  result: Result
  columns: number
  frames: number
  bytes: number
  rows: number
  results: number
  notices: number
  parameters: number
  /** True after the startup message, our first one, which has no kind byte. */
  started: boolean
}

const FRESH: State = {
  phase: 'login',
  result: 'none',
  columns: 0,
  frames: 0,
  bytes: 0,
  rows: 0,
  results: 0,
  notices: 0,
  parameters: 0,
  started: false,
}

/** Creates the gate of a new session. */
export function createFrameGate(options: GateOptions): FrameGate {
  const state: State = { ...FRESH }
  const read = createFrameReader({
    admitKind: kind => admitKind(state, kind),
    admitLength: (kind, bodyBytes) => admitLength(state, frameKind(kind), { bodyBytes, limits: options.limits }),
    complete(kind, frame) {
      state.frames += 1
      const body = frame.subarray(HEADER_BYTES)
      const columns = checkShape(frameKind(kind), body)
      if (kind === 'R') options.authentication.received(body)
      if (kind === 'S' && state.phase === 'welcome') tell(body, options)
      count(state, frameKind(kind), options.limits)
      advance(state, frameKind(kind), { columns, loggedIn: options.authentication.progress === 'finished' })
      if (WANTED.includes(kind)) options.pass(frame)
    },
  })
  return {
    received(chunk) {
      state.bytes += chunk.length
      const max = state.phase === 'login' ? MAX_BYTES_BEFORE_LOGIN : options.limits.maxTotalBytes
      if (state.bytes > max) throw new SessionError('response_too_large')
      try {
        read(chunk)
      } catch (error) {
        if (error instanceof RangeError) throw strange(state)
        throw error
      }
    },
    sent: message => watchOurs(state, options.authentication, message),
  }
}

/** Parses a ParameterStatus and validates its form: a name and a value, each zero-terminated. */
function tell(body: Buffer, { onParameter: told }: GateOptions): void {
  const [name = '', value = ''] = body.toString('latin1').split('\0')
  told?.(name, value)
}

/** A server that never spoke PostgreSQL is something else; one that did and then deviated is broken or malicious. */
function strange(state: State): SessionError {
  return new SessionError(state.frames === 0 ? 'not_postgres' : 'protocol_violation')
}

function frameKind(kind: string): FrameKind {
  // Sound: `admitKind` only admits the letters of ALLOWED, all of which are kinds.
  return kind as FrameKind
}

function admitKind(state: State, kind: string): void {
  const allowed = state.result === 'failed' ? AFTER_FAILURE : ALLOWED[state.phase]
  if (!allowed.includes(kind)) throw strange(state)
}

function admitLength(state: State, kind: FrameKind, size: { bodyBytes: number; limits: SessionLimits }): void {
  if (size.bodyBytes <= (kind === 'D' ? size.limits.maxRowBytes : MAX_BODY[kind])) return
  throw state.frames === 0 ? new SessionError('not_postgres') : new SessionError('response_too_large')
}

function count(state: State, kind: FrameKind, limits: SessionLimits): void {
  if (kind === 'D') state.rows += 1
  if (kind === 'T' || kind === 'C' || kind === 'I') state.results += 1
  if (kind === 'N') state.notices += 1
  if (kind === 'S') state.parameters += 1
  const tooMany =
    state.rows > limits.maxRows ||
    state.results > MAX_RESULTS ||
    state.notices > MAX_NOTICES ||
    state.parameters > MAX_PARAMETERS
  if (tooMany) throw new SessionError('response_too_large')
}

function advance(state: State, kind: FrameKind, seen: { columns: number; loggedIn: boolean }): void {
  if (kind === 'R' && seen.loggedIn) {
    state.phase = 'welcome'
    state.bytes = 0
  } else if (kind === 'Z') {
    if (state.result === 'rows') throw strange(state)
    state.phase = 'idle'
    state.result = 'none'
  } else if (kind === 'E') state.result = 'failed'
  else if (kind === 'T') {
    if (state.result === 'rows') throw strange(state)
    state.result = 'rows'
    state.columns = seen.columns
  } else if (kind === 'D') {
    if (state.result !== 'rows' || seen.columns !== state.columns) throw strange(state)
  } else if (kind === 'C') state.result = 'none'
  else if (kind === 'I' && state.result === 'rows') throw strange(state)
}

/**
 * We send the startup message, then password messages, queries and Terminate; the driver has no reason to send anything
 * else.
 */
function watchOurs(state: State, authentication: AuthenticationRules, message: Buffer): void {
  const kind = state.started ? String.fromCharCode(message[0] ?? 0) : 'startup'
  state.started = true
  if (kind === 'p') authentication.sent(message)
  else if (kind === 'Q') {
    if (state.phase !== 'idle' || state.result === 'failed') throw new SessionError('protocol_violation')
    state.phase = 'query'
  } else if (kind !== 'startup' && kind !== 'X') throw new SessionError('protocol_violation')
}
