/**
 * Scripts of fake servers up to the point at which they misbehave: the vocabulary of `hostile-servers.test.ts`. Each
 * makes a script for `startHostile`.
 */
import { frame, OFFER, type Peer, type Script } from './hostile-postgres.ts'
import { createScramServer } from './scram-server.ts'

/** The password for scripts that begin with an honest handshake. */
export const SHARED_PASSWORD = 'Tr0ub4dor-and-3'

/** Misbehaves after the startup message, without TLS. */
export const greet =
  (...frames: (Buffer | string)[]): Script =>
  async peer => {
    await peer.startup()
    peer.send(...frames)
  }

/** Misbehaves after an honest login, before the client may query. */
export const welcome =
  (...frames: (Buffer | string)[]): Script =>
  async peer => {
    await peer.logIn(SHARED_PASSWORD)
    peer.send(...frames)
  }

/** Misbehaves in answer to the first query of an honest session. */
export const answer =
  (...frames: (Buffer | string)[]): Script =>
  async peer => {
    await peer.untilQuery(SHARED_PASSWORD)
    peer.send(...frames)
  }

/** Starts with other bytes, and then sends the same bytes until the client closes. */
export const flood =
  (bytes: Buffer, begin: (peer: Peer) => Promise<unknown>): Script =>
  async peer => {
    await begin(peer)
    await peer.flood(bytes)
  }

/** A login up to the client's proof; `final` is the server's answer to it. */
export const challenge =
  (final: (proof: string, initial: Buffer, response: Buffer) => (Buffer | string)[]): Script =>
  async peer => {
    await peer.startup()
    const scram = createScramServer(SHARED_PASSWORD, 4096)
    peer.send(OFFER)
    const initial = (await peer.message()).body
    peer.send(frame('R', 11, scram.first(initial)))
    const response = (await peer.message()).body
    peer.send(...final(scram.final(response), initial, response))
  }

/** A server-first message with another count of iterations, or with more than one. */
export const iterations =
  (tail: string): Script =>
  async peer => {
    await peer.startup()
    peer.send(OFFER)
    const first = createScramServer(SHARED_PASSWORD, 4096).first((await peer.message()).body)
    peer.send(frame('R', 11, first.replace(/,i=4096$/, tail)))
  }

/** Answers SSLRequest. */
export const toTls =
  (bytes: string): Script =>
  async peer => {
    await peer.startup()
    peer.send(Buffer.from(bytes, 'latin1'))
  }
