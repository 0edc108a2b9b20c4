/**
 * The driver's substitute for a socket: a connected stream that passes on only what the frame gate admits. The driver
 * never sees the server's raw bytes, and never opens, names or upgrades a connection.
 *
 * The first refusal ends it for good. Held by one session.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { SessionError } from '#server/net/socket/session-error.ts'
import type { FrameGate } from './frame-gate.ts'

/** A gated stream over a connected socket, which it owns from now on. */
export class GatedStream extends Duplex {
  readonly #socket: Socket
  readonly #gate: FrameGate

  /** `gateInto` creates the gate, given the function that receives admitted frames. */
  constructor(socket: Socket, gateInto: (pass: (frame: Buffer) => void) => FrameGate) {
    super({ decodeStrings: true })
    this.#socket = socket
    this.#gate = gateInto(frame => {
      // The driver may have ended the stream because of an earlier frame in the same chunk.
      if (this.destroyed) throw new SessionError('connection_lost')
      if (!this.push(frame)) this.#socket.pause()
    })
    socket.on('data', chunk => this.#receive(chunk))
    socket.on('error', () => this.destroy(new SessionError('connection_lost')))
    socket.on('close', () => this.destroy(this.writableEnded ? undefined : new SessionError('connection_lost')))
    socket.pause()
  }

  #receive(chunk: Buffer): void {
    if (this.destroyed) return
    try {
      this.#gate.received(chunk)
    } catch (error) {
      // Any error other than our own refusal was thrown by the driver's parser.
      this.destroy(error instanceof SessionError ? error : new SessionError('protocol_violation'))
    }
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(message: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    try {
      this.#gate.sent(message)
    } catch (error) {
      this.destroy(error instanceof SessionError ? error : new SessionError('protocol_violation'))
      return
    }
    this.#socket.write(message, error => done(error ? new SessionError('connection_lost') : null))
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  /** The driver asks its socket to connect; this one already is. */
  connect(): this {
    process.nextTick(() => this.emit('connect'))
    return this
  }

  /** Part of the socket interface that the driver expects. */
  setNoDelay(): this {
    this.#socket.setNoDelay(true)
    return this
  }

  /** The input for SCRAM's channel binding. */
  getPeerCertificate(): PeerCertificate | object {
    return this.#socket instanceof TLSSocket ? this.#socket.getPeerCertificate() : {}
  }
}
