/**
 * The load of the benchmarks: connections that each send again as soon as they are answered, or at a fixed rate. It
 * uses bare sockets, because it shares the machine with the measured processes. Run in a process of its own by
 * `load-process.ts`.
 */
import { connect, type Socket } from 'node:net'

/**
 * Requests to repeat. `{n}` in a header or the body becomes a number that no other request has; `{n % 500}` becomes its
 * remainder.
 */
export interface Load {
  readonly port: number
  readonly method: 'GET' | 'POST'
  /** Used in turn. */
  readonly paths: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly connections: number
}

/** When the load ends, and its rate. */
export interface Pace {
  /** The number of the first request. */
  readonly from: number
  readonly requests?: number
  readonly seconds?: number
  /** Requests per second; if absent, as many as are answered. With a rate, times count from when a request was due. */
  readonly rate?: number
}

/** The result of a load. */
export interface Measured {
  readonly requests: number
  readonly perSecond: number
  readonly medianMs: number
  readonly p99Ms: number
}

/** Runs the load. Throws if a status is not 2xx or 3xx, or if a connection ends. */
export async function run(load: Load, pace: Pace): Promise<Measured> {
  const connections = await Promise.all(Array.from({ length: load.connections }, () => Connection.open(load.port)))
  const tookMs: number[] = []
  const { requests = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY, rate } = pace
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  let sent = 0
  const one = async (connection: Connection) => {
    for (;;) {
      const dueAt = rate === undefined ? performance.now() : startedAt + (sent * 1000) / rate
      if (sent >= requests || dueAt >= endsAt) return
      const text = requestOf(load, pace.from + sent)
      sent += 1
      const begunAt = await begun(dueAt)
      await connection.send(text)
      tookMs.push(performance.now() - begunAt)
    }
  }
  await Promise.all(connections.map(one))
  const tookSeconds = (performance.now() - startedAt) / 1000
  for (const connection of connections) connection.close()
  tookMs.sort((a, b) => a - b)
  const at = (share: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? Number.NaN
  return { requests: sent, perSecond: sent / tookSeconds, medianMs: at(0.5), p99Ms: at(0.99) }
}

/**
 * Waits until a request is due. Returns when its time starts to count: when it is sent if it had to wait, or when it
 * was due if it is late because all connections were busy.
 */
async function begun(dueAt: number): Promise<number> {
  const leftMs = dueAt - performance.now()
  if (leftMs <= 0) return dueAt
  await new Promise(resolve => setTimeout(resolve, Math.ceil(leftMs)))
  return performance.now()
}

function requestOf({ method, paths, headers, body }: Load, number: number): string {
  const numbered = (text: string) =>
    text.replace(/\{n(?: % (\d+))?\}/g, (_, modulo?: string) =>
      String(modulo === undefined ? number : number % Number(modulo)),
    )
  const text = body === undefined ? undefined : numbered(body)
  const lines = [`${method} ${paths[number % paths.length]} HTTP/1.1`, 'host: localhost']
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${numbered(value)}`)
  if (text !== undefined) lines.push(`content-length: ${Buffer.byteLength(text)}`)
  return `${lines.join('\r\n')}\r\n\r\n${text ?? ''}`
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n')

/** One connection, with one request at a time. */
class Connection {
  readonly #socket: Socket
  #read: Buffer = Buffer.alloc(0)
  #answered: { resolve(): void; reject(error: Error): void } | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#take(chunk))
    socket.on('error', error => this.#answered?.reject(error))
    socket.on('close', () => this.#answered?.reject(new Error('the connection ended before its answer')))
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket))).once('error', reject)
    })
  }

  send(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered = { resolve, reject }
      this.#socket.write(text)
    })
  }

  close(): void {
    this.#answered = null
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk])
    const end = this.#read.indexOf(HEAD_END)
    if (end < 0) return
    const head = this.#read.toString('latin1', 0, end)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    const isWhole =
      length === undefined
        ? head.startsWith('HTTP/1.1 304') || this.#read.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
        : this.#read.length >= end + HEAD_END.length + Number(length)
    if (isWhole) this.#end(head)
  }

  #end(head: string): void {
    const body = this.#read.subarray(head.length)
    this.#read = Buffer.alloc(0)
    const answered = this.#answered
    this.#answered = null
    if (/^HTTP\/1\.1 [23]/.test(head)) answered?.resolve()
    else answered?.reject(new Error(`${head.slice(0, 40)}${body.toString().slice(0, 400)}`))
  }
}
