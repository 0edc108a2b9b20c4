/**
 * The error for every failure between a judged address and the end of a session: it carries a code of our closed list
 * and, at most, an SQLSTATE. Its message is the code. It must never carry text from the remote side, which can contain
 * the password that was just sent.
 */
import type { Failure, FailureCode } from '#shared/faults/failure.ts'

/** Thrown by the session, its frame gate and its TLS; caught when a dial becomes a finding. */
export class SessionError extends Error {
  readonly failure: Failure

  constructor(code: FailureCode, found: string | Omit<Failure, 'code'> = {}) {
    super(code)
    this.name = 'SessionError'
    this.failure = { code, ...(typeof found === 'string' ? { sqlstate: found } : found) }
  }

  /** The same failure, marked as occurring after our proof of the password and before the server's answer to it. */
  behindProof(): SessionError {
    return Object.assign(new SessionError(this.failure.code), {
      failure: { ...this.failure, proofSent: true } as const,
    })
  }
}
