/**
 * Splits the bytes that a driver sends to PostgreSQL into statements: everything up to each Query or Sync message, with
 * the SQL text. Called by the gate, once for each connection.
 */

/** Bytes that belong together. `text` is null for anything that is not a statement, such as a login. */
export interface Statement {
  readonly bytes: Buffer
  readonly text: string | null
}

const HEAD_BYTES = 5
const SSL_REQUEST_BYTES = 8

/** The messages of one connection, in arbitrary pieces. */
export class FrontendMessages {
  #rest = Buffer.alloc(0)
  #hasStarted = false
  #pending: Buffer[] = []
  #text: string | null = null
  readonly #prepared = new Map<string, string>()

  /** Returns the statements that these bytes complete. */
  read(chunk: Buffer): readonly Statement[] {
    const complete: Statement[] = []
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (let message = this.#next(); message !== null; message = this.#next()) {
      this.#pending.push(message)
      const type = this.#typeOf(message)
      if (type === 'Q') this.#text = stringAt(message, HEAD_BYTES)
      if (type === 'P') this.#notePrepared(message)
      if (type === 'B') this.#text = this.#prepared.get(stringAt(message, endOf(message, HEAD_BYTES))) ?? this.#text
      if ('PBDECH'.includes(type)) continue
      const text = type === 'Q' || type === 'S' ? this.#text : null
      complete.push({ bytes: Buffer.concat(this.#pending.splice(0)), text })
      this.#text = null
    }
    return complete
  }

  #notePrepared(message: Buffer): void {
    this.#text = stringAt(message, endOf(message, HEAD_BYTES))
    this.#prepared.set(stringAt(message, HEAD_BYTES), this.#text)
  }

  /** The first messages of a connection have no type: a request for TLS, or the startup message. */
  #next(): Buffer | null {
    const head = this.#hasStarted ? HEAD_BYTES : HEAD_BYTES - 1
    if (this.#rest.length < head) return null
    const length = this.#rest.readUInt32BE(head - 4) + head - 4
    if (this.#rest.length < length) return null
    const message = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return message
  }

  #typeOf(message: Buffer): string {
    if (this.#hasStarted) return String.fromCharCode(message[0] ?? 0)
    this.#hasStarted = message.length > SSL_REQUEST_BYTES
    return 'start'
  }
}

function endOf(message: Buffer, from: number): number {
  return message.indexOf(0, from) + 1
}

function stringAt(message: Buffer, from: number): string {
  return message.toString('utf8', from, message.indexOf(0, from))
}
