/**
 * A proxy in front of a Mooring that answers in its place, or loses its answers, as a test sets, and forwards
 * everything else. It records the requests.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { FaultCode } from '#shared/faults/fault.ts'
import { faultSpec } from '#shared/faults/fault.ts'

/** A received request: its path without the query, its headers, and the inputs of its calls. */
export interface Seen {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly inputs: readonly Readonly<Record<string, unknown>>[]
}

/**
 * In place of an answer: a fault, a status without one of Mooring's bodies, an answer lost on its way back, or none
 * ever.
 */
export type Mishap =
  | { readonly fault: FaultCode; readonly retryAfter?: string }
  | { readonly status: number }
  | 'lost'
  | 'silent'

/** A running proxy. */
export interface FaultyFront {
  readonly url: string
  readonly seen: readonly Seen[]
  /** The effects on the next requests, one after the other; clears the recorded requests. */
  next(...mishaps: readonly Mishap[]): void
  stop(): Promise<void>
}

/** Starts a proxy in front of the Mooring at `url`. */
export async function startFaultyFront(url: string): Promise<FaultyFront> {
  const seen: Seen[] = []
  const mishaps: Mishap[] = []
  const server = createServer((request, response) => {
    // A caller who has left needs no answer.
    serve(request, response).catch(() => response.destroy())
  })
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request)
    const { pathname: path, search, searchParams } = new URL(request.url ?? '', url)
    seen.push({ path, headers: request.headers, inputs: inputsOf(searchParams.get('input') ?? body.toString()) })
    const mishap = mishaps.shift()
    if (mishap === 'silent') return
    if (mishap === undefined || mishap === 'lost') {
      const answer = await forward(`${url}${path}${search}`, request, body)
      if (mishap === 'lost') return void response.destroy()
      return void response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
    }
    if ('status' in mishap) return void response.writeHead(mishap.status).end('<h1>Bad gateway</h1>')
    refuse(response, mishap, searchParams.has('batch') ? path.split(',').length : null)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    next(...following) {
      seen.length = 0
      mishaps.splice(0, mishaps.length, ...following)
    },
    async stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A fault in tRPC's shape, alone or as often as a batch has calls. */
function refuse(response: ServerResponse, mishap: Extract<Mishap, { fault: unknown }>, calls: number | null): void {
  const { status, retryable, message: says } = faultSpec(mishap.fault)
  const data = { code: 'X', fault: mishap.fault, httpStatus: status, requestId: null, retryable }
  const error = { error: { message: says, code: -32603, data } }
  response.writeHead(status, mishap.retryAfter === undefined ? {} : { 'retry-after': mishap.retryAfter })
  response.end(JSON.stringify(calls === null ? error : Array.from({ length: calls }, () => error)))
}

function forward(url: string, request: IncomingMessage, body: Buffer): Promise<Response> {
  const { authorization = '', 'content-type': type = 'application/json' } = request.headers
  const method = request.method ?? 'GET'
  return fetch(url, { method, headers: { authorization, 'content-type': type }, ...(method === 'GET' ? {} : { body }) })
}

/** The inputs of a batch, or the one input. */
function inputsOf(text: string): Seen['inputs'] {
  const parsed: unknown = text === '' ? {} : JSON.parse(text)
  const isBatch = Object.keys(Object(parsed)).every(name => /^\d+$/.test(name))
  return (isBatch ? Object.values(Object(parsed)) : [parsed]).map(input => Object(input))
}
