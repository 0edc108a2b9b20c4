/**
 * A fake PostgreSQL server that misbehaves as scripted: a script handles each connection, reads the client's messages
 * and answers with bytes of its own. It can first log a client in honestly, and misbehave later.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { TlsPair } from '#server/standalone/embedded/certificate.ts'
import { drained } from './drained.ts'
import { createScramServer } from './scram-server.ts'

/**
 * The script of one connection. It may end or throw at any point: the socket stays open until the client or `stop`
 * closes it.
 */
export type Script = (peer: Peer) => unknown

/** A running server. */
export interface HostileServer {
  readonly port: number
  /** Every byte that clients sent, in clear or decrypted. */
  received(): Buffer
  /** Resolves when the client has closed every connection. */
  idle(): Promise<void>
  stop(): Promise<void>
}

/** A frame: kind, length, body. */
export function frame(kind: string, ...body: (Buffer | string | number)[]): Buffer {
  const bytes = Buffer.concat(body.map(part => (typeof part === 'number' ? int32(part) : Buffer.from(part))))
  return Buffer.concat([Buffer.from(kind, 'latin1'), int32(bytes.length + 4), bytes])
}

/** A frame's first five bytes with any length. */
export function header(kind: string, length: number): Buffer {
  return Buffer.concat([Buffer.from(kind, 'latin1'), int32(length)])
}

/** Four bytes, big endian. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** Two bytes, big endian. */
export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value & 0xffff)
  return bytes
}

/** Row description with text columns of these names. */
export function columns(...names: string[]): Buffer {
  return frame('T', int16(names.length), ...names.flatMap(name => [`${name}\0`, Buffer.alloc(18)]))
}

/** A row with these values. */
export function row(...values: string[]): Buffer {
  const parts = values.flatMap(value => [int32(Buffer.byteLength(value)), Buffer.from(value)])
  return frame('D', int16(values.length), ...parts)
}

/** An ErrorResponse. Field letters as in the documentation: `C` is the SQLSTATE. */
export function failure(fields: Record<string, string>): Buffer {
  return frame('E', ...Object.entries(fields).map(([letter, text]) => `${letter}${text}\0`), '\0')
}

/** AuthenticationOk. */
export const LOGIN_OK = frame('R', 0)
/** ReadyForQuery, outside a transaction. */
export const READY = frame('Z', 'I')
/** CommandComplete. */
export const DONE = frame('C', 'SELECT 1\0')
/** SCRAM without channel binding. */
export const OFFER = frame('R', 10, 'SCRAM-SHA-256\0\0')

/** One connection, from the server's side. */
export class Peer {
  socket: Socket
  readonly #heard: Buffer[]
  #unread = Buffer.alloc(0)

  constructor(socket: Socket, heard: Buffer[]) {
    this.socket = socket
    this.#heard = heard
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    socket.on('error', () => {})
    socket.on('data', chunk => {
      this.#heard.push(chunk)
      this.#unread = Buffer.concat([this.#unread, chunk])
    })
  }

  /** The next `count` bytes of the client. */
  async read(count: number): Promise<Buffer> {
    while (this.#unread.length < count) await once(this.socket, 'data')
    const bytes = this.#unread.subarray(0, count)
    this.#unread = this.#unread.subarray(count)
    return bytes
  }

  /** A message without a kind: SSLRequest or the startup message. */
  async startup(): Promise<Buffer> {
    return this.read((await this.read(4)).readUInt32BE() - 4)
  }

  /** A message with a kind. */
  async message(): Promise<{ kind: string; body: Buffer }> {
    const start = await this.read(5)
    return { kind: start.toString('latin1', 0, 1), body: await this.read(start.readUInt32BE(1) - 4) }
  }

  send(...frames: (Buffer | string)[]): void {
    this.socket.write(Buffer.concat(frames.map(bytes => Buffer.from(bytes))))
  }

  /** Sends bytes repeatedly until the client closes, at the client's pace. */
  async flood(bytes: Buffer): Promise<void> {
    while (!this.socket.destroyed && this.socket.writable) {
      if (!this.socket.write(bytes)) await drained(this.socket)
    }
  }

  /** Sends bytes one by one. */
  async drip(bytes: Buffer, everyMs: number): Promise<void> {
    for (let at = 0; at < bytes.length && this.socket.writable; at++) {
      this.socket.write(bytes.subarray(at, at + 1))
      await delay(everyMs)
    }
  }

  /** Forwards everything from now on, both ways, as a man in the middle does. `alter` changes the server's bytes. */
  relay(onward: Socket, alter: (bytes: Buffer) => Buffer = bytes => bytes): void {
    onward.on('error', () => {})
    onward.write(this.#unread)
    this.socket.pipe(onward)
    onward.on('data', bytes => this.socket.write(alter(bytes)))
    onward.on('close', () => this.socket.destroy())
  }

  /** Accepts the client's SSLRequest and continues encrypted. */
  async encrypt(pair: TlsPair): Promise<void> {
    await this.startup()
    this.socket.removeAllListeners('data')
    this.socket.write('S')
    const encrypted = new TLSSocket(this.socket, { isServer: true, secureContext: createSecureContext(pair) })
    this.socket = encrypted
    this.#listen(encrypted)
    await once(encrypted, 'secure')
  }

  /** Logs the client in by SCRAM, and answers with everything before the first ReadyForQuery, as PostgreSQL does. */
  async logIn(password: string): Promise<void> {
    await this.startup()
    const scram = createScramServer(password, 4096)
    this.send(OFFER)
    this.send(frame('R', 11, scram.first((await this.message()).body)))
    this.send(frame('R', 12, scram.final((await this.message()).body)), LOGIN_OK)
    this.send(frame('S', 'server_version\x0018.4\0'), frame('K', 7, 7))
  }

  /** Logs in and waits for the first query. */
  async untilQuery(password: string): Promise<void> {
    await this.logIn(password)
    this.send(READY)
    await this.message()
  }
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startHostile(script: Script): Promise<HostileServer> {
  const heard: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const peer = new Peer(socket, heard)
    // A script that is cut off in the middle fails at its next read: that is how most of them end.
    Promise.resolve(peer)
      .then(script)
      .catch(() => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    // A TCP server's address is an object (documentation of `server.address`).
    port: (server.address() as AddressInfo).port,
    received: () => Buffer.concat(heard),
    async idle() {
      await Promise.all([...sockets].map(socket => new Promise(resolve => socket.once('close', resolve))))
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
