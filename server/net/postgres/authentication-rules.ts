/**
 * The rules of authentication: the only order of messages in which we take part.
 *
 * SCRAM is allowed over any link, because it reveals no password and makes the server prove that it knows it. A
 * password in clear or as MD5 goes only to a server whose certificate chain and name are both valid, since nothing else
 * then distinguishes the true server from an impostor; and not if that relies on a CA supplied by a caller, who may be
 * the impostor. `Ok` without either is never accepted. Called by the frame gate, on both directions of the stream.
 */
import { SessionError } from '#server/net/socket/session-error.ts'

/** The properties of the link, known before authentication begins. */
export interface AuthenticationPolicy {
  readonly encrypted: boolean
  /** The certificate's chain and name are both valid, whatever the mode required. */
  readonly serverVerified: boolean
  /** The certificate was verified against a CA supplied by a caller. */
  readonly caNamed: boolean
  /**
   * MD5 stays allowed under such a CA if the credential already used it before this was refused. Never a clear-text
   * password.
   */
  readonly md5Allowed: boolean
  readonly channelBinding: 'disable' | 'prefer' | 'require'
  readonly hasPassword: boolean
}

/** The rules of one login. Each function throws `SessionError` to refuse a message before it goes any further. */
export interface AuthenticationRules {
  /** An Authentication message from the server, without its header. */
  received(body: Buffer): void
  /** A password or SASL message that we send, with its header. */
  sent(message: Buffer): void
  /** `claimed`: the server sent a signature, which the driver verifies; `finished`: an acceptable `Ok` arrived. */
  readonly progress: 'begun' | 'claimed' | 'finished'
  /**
   * The state of the exchange, which determines what a server error means. `proof` lies between our proof and the
   * answer.
   */
  readonly moment: 'request' | 'exchange' | 'proof' | 'proven' | 'welcome'
  /** True if SCRAM was bound to the TLS channel (RFC 5929, tls-server-end-point). */
  readonly channelBound: boolean
  /** True if the server offered SCRAM bound to the channel. */
  readonly bindingOffered: boolean
  /** How the password was requested and sent; null if it was not sent, as with SCRAM. */
  readonly passwordSent: 'clear' | 'md5' | null
}

/** Fewer iterations are cheap to crack offline from a recorded exchange; more would let a stranger burn our CPU. */
const MIN_ITERATIONS = 4096
const MAX_ITERATIONS = 100_000

const PLAIN = 'SCRAM-SHA-256'
const BOUND = 'SCRAM-SHA-256-PLUS'
/** Kerberos V4 and V5, SCM, GSSAPI, SSPI: methods that exist but that we do not support. */
const OTHER_METHODS = new Set([1, 2, 4, 6, 7, 8, 9])

/** Exactly what PostgreSQL sends (RFC 5802 without extensions): the driver would parse a second `i=` differently. */
const SERVER_FIRST =
  /^r=([\x21-\x2b\x2d-\x7e]+),s=(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/](?:=|[A-Za-z0-9+/])),i=([0-9]{1,10})$/
const SERVER_FINAL = /^v=[A-Za-z0-9+/]{43}=$/

type Step = 'begin' | 'offered' | 'first_sent' | 'challenged' | 'final_sent' | 'proven' | 'asked' | 'handed_over' | 'ok'

const MOMENTS: Readonly<Record<Step, AuthenticationRules['moment']>> = {
  begin: 'request',
  offered: 'exchange',
  first_sent: 'exchange',
  challenged: 'exchange',
  asked: 'exchange',
  final_sent: 'proof',
  handed_over: 'proof',
  proven: 'proven',
  ok: 'welcome',
}

interface Login {
  readonly policy: AuthenticationPolicy
  step: Step
  clientNonce: string
  channelBound: boolean
  bindingOffered: boolean
  passwordSent: AuthenticationRules['passwordSent']
}

/** Creates the rules for one login over the given link. */
export function createAuthenticationRules(policy: AuthenticationPolicy): AuthenticationRules {
  const none = { clientNonce: '', channelBound: false, bindingOffered: false, passwordSent: null }
  const login: Login = { policy, step: 'begin', ...none }
  return {
    received: body => receive(login, body),
    sent: message => send(login, message),
    get progress() {
      if (login.step === 'ok') return 'finished'
      return login.step === 'proven' ? 'claimed' : 'begun'
    },
    get moment() {
      return MOMENTS[login.step]
    },
    get channelBound() {
      return login.channelBound
    },
    get bindingOffered() {
      return login.bindingOffered
    },
    get passwordSent() {
      return login.step === 'handed_over' || login.step === 'ok' ? login.passwordSent : null
    },
  }
}

function receive(login: Login, body: Buffer): void {
  const code = body.readInt32BE(0)
  const rest = body.subarray(4)
  if (code === 0) receiveOk(login, rest)
  else if (code === 3 || code === 5) receivePasswordRequest(login, code === 3 ? 'clear' : 'md5', rest)
  else if (code === 10) receiveOffer(login, rest)
  else if (code === 11) receiveServerFirst(login, rest.toString('latin1'))
  else if (code === 12) receiveServerFinal(login, rest.toString('latin1'))
  else throw new SessionError(OTHER_METHODS.has(code) ? 'authentication_method' : 'protocol_violation')
}

function receiveOk(login: Login, rest: Buffer): void {
  if (rest.length > 0) throw new SessionError('protocol_violation')
  if (login.step !== 'proven' && login.step !== 'handed_over') throw new SessionError('server_not_proven')
  login.step = 'ok'
}

function receivePasswordRequest(login: Login, how: 'clear' | 'md5', rest: Buffer): void {
  const { encrypted, serverVerified, caNamed, md5Allowed, channelBinding, hasPassword } = login.policy
  if (!encrypted) throw new SessionError('password_exposed')
  if (channelBinding === 'require') throw new SessionError('channel_binding_missing')
  if (caNamed && !(md5Allowed && how === 'md5')) throw new SessionError('password_under_named_ca')
  if (!serverVerified) throw new SessionError('server_unverified')
  const wellFormed = rest.length === (how === 'clear' ? 0 : 4)
  if (!wellFormed || login.step !== 'begin') throw new SessionError('protocol_violation')
  if (!hasPassword) throw new SessionError('password_refused')
  login.passwordSent = how
  login.step = 'asked'
}

function receiveOffer(login: Login, rest: Buffer): void {
  const names = rest.toString('latin1').split('\0')
  const wellFormed = names.length >= 3 && names.at(-1) === '' && names.indexOf('') === names.length - 2
  if (!wellFormed || login.step !== 'begin') throw new SessionError('protocol_violation')
  login.bindingOffered = names.includes(BOUND)
  if (login.policy.channelBinding === 'require' && !(login.policy.encrypted && names.includes(BOUND))) {
    throw new SessionError('channel_binding_missing')
  }
  if (!names.includes(PLAIN) && !names.includes(BOUND)) throw new SessionError('authentication_method')
  if (!login.policy.hasPassword) throw new SessionError('password_refused')
  login.step = 'offered'
}

function receiveServerFirst(login: Login, text: string): void {
  const [, nonce = '', iterations = ''] = SERVER_FIRST.exec(text) ?? []
  if (login.step !== 'first_sent' || iterations === '') throw new SessionError('protocol_violation')
  if (!nonce.startsWith(login.clientNonce) || nonce.length === login.clientNonce.length) {
    throw new SessionError('protocol_violation')
  }
  if (Number(iterations) < MIN_ITERATIONS || Number(iterations) > MAX_ITERATIONS) {
    throw new SessionError('scram_iterations', { iterations: Number(iterations) })
  }
  login.step = 'challenged'
}

/** The driver, which knows the password, verifies the signature itself. */
function receiveServerFinal(login: Login, text: string): void {
  if (login.step !== 'final_sent') throw new SessionError('protocol_violation')
  if (/^e=/.test(text)) throw new SessionError('password_refused')
  if (!SERVER_FINAL.test(text)) throw new SessionError('protocol_violation')
  login.step = 'proven'
}

/** The marker before our nonce in the client's first message (RFC 5802, section 7). */
const NONCE = ',r='

/** Our own side is checked too: whatever the driver tries to send, no password message leaves out of turn. */
function send(login: Login, message: Buffer): void {
  if (login.step === 'offered') {
    const end = message.indexOf(0, 5)
    const response = message.toString('latin1', end + 5)
    login.channelBound = message.toString('latin1', 5, end) === BOUND
    const nonceAt = response.indexOf(NONCE)
    login.clientNonce = nonceAt < 0 ? '' : response.slice(nonceAt + NONCE.length)
    if (login.clientNonce.length < 18) throw new SessionError('authentication_method')
    login.step = 'first_sent'
  } else if (login.step === 'challenged') login.step = 'final_sent'
  else if (login.step === 'asked') login.step = 'handed_over'
  else throw new SessionError('password_exposed')
}
