/**
 * The context of every kind of dial, besides its request.
 * Created by `serve-dials.ts`, in the dialling process.
 */
import type { SessionDeps } from './with-session.ts'

/** The environment of a dial, and a channel to the worker for data that is too large for an answer. */
export interface DialContext extends SessionDeps {
  /** Sends bytes to the worker ahead of the answer; resolves when the pipe accepts more. */
  send(bytes: Buffer): Promise<void>
  /** The bytes that were sent ahead of the request. */
  received(): Buffer
}
