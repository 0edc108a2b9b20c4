/**
 * The inside of a dialling process: receives settings, then one request at a time, over its pipe to the worker.
 *
 * It exits when the pipe closes, since the worker is then gone; when the worker breaks the protocol; and at the memory
 * limit. In all other cases the worker kills it. Called by `dial-child.ts`.
 */
import type { Socket } from 'node:net'
import type { HostPolicy } from '#server/domain/network/host-policy.ts'
import type { DialContext } from '#server/net/postgres/dial-context.ts'
import { createResolver } from '#server/net/socket/resolver.ts'
import { nodeRoots } from '#server/net/socket/tls.ts'
import type { Failure, FailureCode } from '#shared/faults/failure.ts'
import { createChannelReader, sendBytes, sendJson } from './child-channel.ts'
import { DIAL_KINDS, type DialAsk, type DialKind } from './dial-kinds.ts'
import { sendPassed } from './passed-items.ts'

/** The settings of a process, sent once before any request. */
export interface DialSettings {
  readonly policy: HostPolicy
  readonly dnsServers: readonly string[]
  readonly maxRssBytes: number
  /** PEM of authorities trusted in addition to the public ones. */
  readonly extraCa: string | null
}

/** A request on the pipe. */
export interface PipedRequest<K extends DialKind = DialKind> {
  readonly kind: K
  readonly request: DialAsk<K>
}

/** An answer on the pipe. A `spent` process met a misbehaving server and serves nobody else. */
export interface PipedAnswer {
  readonly answer: unknown
  readonly spent: boolean
}

/** Failures that no honest server causes. Connecting to a web server by mistake is not one of them. */
const MISBEHAVED: ReadonlySet<FailureCode> = new Set(['protocol_violation', 'response_too_large'])

const DNS_TIMEOUT_MS = 5_000
const MEMORY_CHECK_MS = 100
/** A warm process uses about 120 MiB: one that has grown to twice that exits to release its memory. */
const SPENT_RSS_BYTES = 240 << 20

/** Serves until the pipe closes. `end` ends the process. */
export function serveDials(pipe: Socket, end: () => void): void {
  let context: Omit<DialContext, 'received'> | null = null
  let ahead: Buffer[] = []
  const read = createChannelReader(['c', 'b', 'r'], (kind, body) => {
    if (kind === 'b') {
      ahead.push(Buffer.from(body))
      return
    }
    const said: unknown = JSON.parse(body.toString('utf8'))
    if (kind === 'c') {
      // Sound, here and below: the worker, our own code, wrote it.
      context = settle(said as DialSettings, pipe, end)
      sendJson(pipe, 'k', null)
    } else if (context === null) end()
    else {
      const pieces = ahead
      ahead = []
      const received = () => Buffer.concat(pieces)
      // An error here is our own bug with unknown effects: the process ends and the dial counts as failed.
      answer(said as PipedRequest, { ...context, received }, pipe).catch(end)
    }
  })
  pipe.on('data', chunk => {
    try {
      read(chunk)
    } catch {
      end()
    }
  })
  pipe.on('error', end)
  pipe.on('close', end)
}

function settle(settings: DialSettings, pipe: Socket, end: () => void): Omit<DialContext, 'received'> {
  setInterval(() => {
    if (process.memoryUsage.rss() > settings.maxRssBytes) end()
  }, MEMORY_CHECK_MS).unref()
  return {
    policy: settings.policy,
    roots: nodeRoots(settings.extraCa),
    resolver: createResolver({ servers: settings.dnsServers, timeoutMs: DNS_TIMEOUT_MS }),
    send: bytes => sendBytes(pipe, bytes),
  }
}

/** The common part of every dial's answer; some have a `finding`. */
interface Found {
  readonly failure: Failure | null
  readonly finding?: { readonly fault?: string } | null
}

/** True if the process met a hostile server or has grown too large, and must serve nobody else. */
function isSpent({ failure, finding }: Found): boolean {
  if (failure !== null && MISBEHAVED.has(failure.code)) return true
  return finding?.fault !== undefined || process.memoryUsage.rss() > SPENT_RSS_BYTES
}

/** Sends the answer as soon as it is known, and accepts the next request when nothing of this one remains. */
async function answer(said: PipedRequest, context: DialContext, pipe: Socket): Promise<void> {
  const goodbyes: Promise<void>[] = []
  // Sound: the worker pairs each kind with its own request; TypeScript cannot follow a pair through a union.
  const run = (await DIAL_KINDS[said.kind]()) as (request: unknown, under: DialContext) => Promise<Found>
  // From here on, the time depends on the stranger's server.
  sendJson(pipe, 'l', null)
  const sender = said.kind === 'probe' ? sendPassed(pipe) : null
  const followed = sender === null ? {} : { onPassed: sender.passed }
  const found = await run(said.request, { ...context, ...followed, partWith: goodbye => goodbyes.push(goodbye) })
  sender?.stop()
  sendJson(pipe, 'a', { answer: found, spent: isSpent(found) } satisfies PipedAnswer)
  await Promise.all(goodbyes)
  sendJson(pipe, 'k', null)
}
