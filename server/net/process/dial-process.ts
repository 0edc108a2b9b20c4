/**
 * The worker's view of one dialling process: started, given one job at a time, and killed if it takes too long, grows
 * too large or breaks the protocol.
 *
 * It must never wait for the process: a job settles when the process answers or is killed, whichever comes first. Held
 * by the pool.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import type { DialItem } from '#shared/checks/items.ts'
import { type ChannelKind, createChannelReader, sendAhead, sendJson } from './child-channel.ts'
import { readPassed } from './passed-items.ts'
import { childArguments } from './sandbox.ts'
import type { DialSettings, PipedAnswer, PipedRequest } from './serve-dials.ts'

/** One job for a process. */
export interface DialJob {
  readonly asked: PipedRequest
  readonly deadlineMs: number
  /** Bytes to send ahead of the request; null or omitted for none. */
  readonly ahead?: Buffer | null
  /** The maximum number of bytes that may be sent ahead of the answer. */
  readonly maxBytes: number
  onBytes(piece: Buffer): void
  /** Called with each checklist item that a probe passes, while it runs. Omitted if nobody follows it. */
  readonly onPassed?: ((item: DialItem) => void) | undefined
  /** Called once, with null if the process was killed or died. */
  settle(answer: PipedAnswer | null): void
}

/** Why a process ended. `idle`: it was not needed; `unasked`: by itself, through a bug or V8's memory limit. */
export type EndReason = 'closed' | 'idle' | 'deadline' | 'memory' | 'spoke_out_of_turn' | 'spent' | 'unasked'

/** The events that the pool listens to. */
export interface DialProcessEvents {
  /** Called once, before the process may be given a job. */
  onReady(): void
  /** The process may be given a job: initially, and after each job. */
  onIdle(): void
  /**
   * Called once, when the process was killed or ended: it does nothing more, though it may take a moment to disappear.
   * `stderr` is empty unless the process never became ready, in which case it cannot have talked to anyone yet.
   */
  onEnd(end: { reason: EndReason; wasUsed: boolean; stderr: string }): void
  /** Called once, after `onEnd`, when the process is gone. */
  onGone(): void
}

/** The grace period after its deadline before the process is killed. */
const GRACE_MS = 500
const START_MS = 30_000
const MEMORY_CHECK_MS = 50
const MAX_DIALS = 1_000
const MAX_STDERR = 2_000

/** A running process. */
export class DialProcess {
  readonly #child: ChildProcess
  readonly #pipe: Duplex
  readonly #settings: DialSettings
  readonly #events: DialProcessEvents
  #job: DialJob | null = null
  #bytes = 0
  #hasBegun = false
  #takePassed: (body: Buffer) => void = () => undefined
  #dials = 0
  #ready = false
  #ended = false
  #stderr = ''
  #deadline: NodeJS.Timeout
  #memory: NodeJS.Timeout | undefined

  constructor(settings: DialSettings, events: DialProcessEvents) {
    this.#settings = settings
    this.#events = events
    this.#child = spawn(process.execPath, childArguments(settings.maxRssBytes), {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    })
    // Sound: a 'pipe' beyond the first three is a two-way socket (documentation of `options.stdio`).
    this.#pipe = this.#child.stdio[3] as Duplex
    this.#deadline = setTimeout(() => this.kill('deadline'), START_MS)
    this.#listen()
    sendJson(this.#pipe, 'c', settings)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Gives the process a job. It must be idle. */
  run(job: DialJob): void {
    this.#job = job
    this.#bytes = 0
    this.#hasBegun = false
    this.#takePassed = readPassed(job.onPassed ?? (() => undefined))
    this.#dials += 1
    // Until it reports that it begins, it only loads our code.
    this.#deadline = setTimeout(() => this.kill('deadline'), START_MS)
    this.#memory = setInterval(() => this.#checkMemory(), MEMORY_CHECK_MS)
    if (job.ahead) sendAhead(this.#pipe, job.ahead)
    sendJson(this.#pipe, 'r', job.asked)
  }

  /** Kills the process at once, whatever it is doing. Its job is settled. */
  kill(reason: EndReason): void {
    this.#child.kill('SIGKILL')
    this.#end(reason)
  }

  #listen(): void {
    const read = createChannelReader(['k', 'l', 'p', 'b', 'a'], (kind, body) => this.#take(kind, body))
    this.#pipe.on('data', (chunk: Buffer) => {
      if (this.#ended) return
      try {
        read(chunk)
      } catch {
        this.kill('spoke_out_of_turn')
      }
    })
    this.#pipe.on('error', () => this.kill('unasked'))
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      // Once it dials, an error can contain a server's text, so nothing of it is kept.
      this.#stderr = this.#ready ? '' : (this.#stderr + chunk.toString('utf8')).slice(0, MAX_STDERR)
    })
    this.#child.on('error', () => this.kill('unasked'))
    this.#child.once('close', () => {
      this.#end('unasked')
      this.#events.onGone()
    })
  }

  #end(reason: EndReason): void {
    this.#stopWatching()
    if (this.#ended) return
    this.#ended = true
    this.#settle(null)
    this.#events.onEnd({ reason, wasUsed: this.#dials > 0, stderr: this.#stderr })
  }

  #take(kind: ChannelKind, body: Buffer): void {
    if (kind === 'k') {
      this.#becomeIdle()
      return
    }
    const job = this.#job
    if (job === null) throw new RangeError('channel frame out of turn')
    if (kind === 'l') {
      if (this.#hasBegun) throw new RangeError('channel frame out of turn')
      this.#hasBegun = true
      clearTimeout(this.#deadline)
      this.#deadline = setTimeout(() => this.kill('deadline'), job.deadlineMs + GRACE_MS)
      return
    }
    if (kind === 'b') {
      this.#bytes += body.length
      if (this.#bytes > job.maxBytes) throw new RangeError('channel bytes')
      job.onBytes(Buffer.from(body))
      return
    }
    if (kind === 'p') {
      if (!this.#hasBegun || job.asked.kind !== 'probe') throw new RangeError('channel frame out of turn')
      this.#takePassed(body)
      return
    }
    // Sound: our own code wrote it. It is bounded, and only affects this one dial.
    const answer = JSON.parse(body.toString('utf8')) as PipedAnswer
    this.#settle(answer)
    if (answer.spent || this.#dials >= MAX_DIALS) this.kill('spent')
  }

  #becomeIdle(): void {
    if (this.#ended) return
    if (this.#job !== null) throw new RangeError('channel frame out of turn')
    this.#stopWatching()
    if (!this.#ready) {
      this.#ready = true
      this.#stderr = ''
      this.#events.onReady()
    }
    this.#events.onIdle()
  }

  #stopWatching(): void {
    clearTimeout(this.#deadline)
    clearInterval(this.#memory)
  }

  #settle(answer: PipedAnswer | null): void {
    const job = this.#job
    this.#job = null
    job?.settle(answer)
  }

  /**
   * On Linux the size of a process is readable even while it is too busy to report it; elsewhere the process watches
   * itself.
   */
  #checkMemory(): void {
    if (process.platform !== 'linux') return
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'latin1')
      const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0)
      if (kibibytes * 1024 > this.#settings.maxRssBytes) this.kill('memory')
    } catch {
      // It has just ended, and reports that itself.
    }
  }
}

/** The line that names the error, out of what Node prints when it cannot load a program, as one sentence. */
export function cannotStart(stderr: string): Error {
  const lines = stderr.split('\n').map(line => line.trim())
  const cause = lines.find(line => /^\w*Error[ :]/.test(line) || line.includes('bad option'))
  const reason = cause === undefined ? '' : ` (${cause.slice(0, 300)})`
  return new Error(
    `The worker cannot start its dialling processes${reason}. Check that this user can read Mooring's files and packages, or install them again.`,
  )
}
