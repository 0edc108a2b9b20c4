/**
 * The context of every kind of dial, beside its request. Made by `serve-dials.ts`, in the dialling process.
 */
import type { SessionDeps } from './with-session.ts'

/** The surroundings of a dial, and the way to the worker for what is too large for an answer. */
export interface DialContext extends SessionDeps {
  /** Sends bytes to the worker ahead of the answer; resolves when it takes more. */
  send(bytes: Buffer): Promise<void>
  /** The bytes that came ahead of the request. */
  received(): Buffer
}
