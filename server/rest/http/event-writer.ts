/**
 * One stream of server-sent events to one reader: written as fast as it reads and no faster, kept alive by pings, and
 * cut off when it stalls. Created by `subscription.ts`.
 */
import type express from 'express'
import type { Backlog } from './backlog.ts'

/** How long a reader may leave written data unread. */
export const STALLED_MS = 60_000

interface Settings {
  readonly backlog: Backlog
  readonly organizationId: string
  readonly pingMs: number
  readonly ping: Buffer
}

/** Writes events until the reader has gone. */
export class EventWriter {
  readonly #response: express.Response
  readonly #settings: Settings
  readonly #gone = new AbortController()
  readonly #pings: NodeJS.Timeout

  constructor(response: express.Response, settings: Settings) {
    this.#response = response
    this.#settings = settings
    response.once('close', () => this.#gone.abort())
    this.#pings = setInterval(() => this.#ping(), settings.pingMs)
  }

  /** Aborted when the reader has gone. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Writes and waits until there is room for more; false if the reader has gone or was cut off. Never throws. */
  async write(bytes: Buffer): Promise<boolean> {
    if (this.gone.aborted) return false
    if (this.#response.write(bytes)) return true
    const release = this.#settings.backlog.hold(this.#settings.organizationId, this.#response.writableLength)
    if (release === false) {
      this.#response.destroy()
      return false
    }
    const isRead = await this.#drained()
    release()
    if (!isRead) this.#response.destroy()
    return isRead
  }

  /** Ends the stream. */
  end(): void {
    clearInterval(this.#pings)
    this.#response.end()
  }

  /** Resolves with true when everything was read, with false if the reader has gone or stalled. */
  #drained(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const [read, lost] = [() => resolve(true), () => resolve(false)]
    const timer = setTimeout(lost, STALLED_MS)
    this.#response.once('drain', read)
    this.gone.addEventListener('abort', lost, { once: true })
    return promise.finally(() => {
      clearTimeout(timer)
      this.#response.off('drain', read)
      this.gone.removeEventListener('abort', lost)
    })
  }

  /** A reader with unread data needs no sign of life. */
  #ping(): void {
    if (this.#response.headersSent && !this.#response.writableNeedDrain) this.#response.write(this.#settings.ping)
  }
}
