/**
 * Counts and traces requests, and has each fault logged: the route, the answer, the duration. The handler of a request
 * notes its subject; nothing of a path, a header or a body is kept, only the route as written in its table.
 */
import type express from 'express'
import type { Principal } from '#server/domain/access/scope.ts'
import { clientAddress } from '#server/domain/network/client-address.ts'
import type { Meter } from '#server/metrics/meter.ts'
import { isTraced, type RequestSpan, requestSpan } from '#server/tracing/span.ts'
import type { Fault } from '#shared/faults/fault.ts'
import type { FaultLines } from './fault-lines.ts'

/** The subject of a request: its surface, and the route or procedure as in its table. */
export interface Served {
  readonly surface: string
  readonly route: string
  /** True for a stream, which lasts as long as its caller likes and whose duration is therefore not recorded. */
  readonly isStream?: boolean
}

/** A fault in an answer; for a batch, the call that has it, and values that may name a datasource. */
interface NotedFault {
  readonly fault: Fault
  readonly route?: string
  readonly named?: unknown
}

interface Noted {
  served: Served
  principal?: Principal
  readonly faults: NotedFault[]
}

/** The observers of a request. */
export interface Observers {
  readonly meter: Meter
  readonly faultLines: FaultLines
}

const UNKNOWN: Served = { surface: 'none', route: 'unknown' }

/** Observes every request that passes, and counts those in progress. */
export function observedRequests({ meter, faultLines }: Observers): express.Handler {
  const isSpanned = isTraced()
  const counted = countingBy(meter)
  let running = 0
  meter.gauge('mooring_http_requests_running', () => [{ labels: {}, value: running }])
  return (request, response, next) => {
    const startedAt = performance.now()
    const span = isSpanned ? requestSpan(request.headers) : null
    const noted: Noted = { served: UNKNOWN, faults: [] }
    response.locals['noted'] = noted
    running += 1
    response.once('close', () => {
      running -= 1
      const answered = { request, response, noted }
      counted(answered, startedAt)
      if (span !== null) ended(span, answered)
      if (noted.faults.length > 0) logFaults(faultLines, answered)
    })
    if (span === null) next()
    else span.within(next)
  }
}

/** Notes the subject of a request. */
export function noteServed(response: express.Response, served: Served): void {
  Object.assign(Object(response.locals['noted']), { served })
}

/** Notes the caller. */
export function notePrincipal(response: express.Response, principal: Principal): void {
  Object.assign(Object(response.locals['noted']), { principal })
}

/** Notes a fault in the answer. */
export function noteFault(response: express.Response, noted: NotedFault): void {
  notedOf(response)?.faults.push(noted)
}

/** Observes an answer to input that could not be parsed as a request. */
export function observeUnread(
  { meter, faultLines }: Observers,
  refusal: { status: number; fault: Fault; requestId: string; address: string | null },
): void {
  const { surface, route } = UNKNOWN
  meter.count('mooring_http_requests_total', { surface, route, status: String(refusal.status) })
  meter.count('mooring_faults_total', { surface, fault: refusal.fault.code })
  faultLines({ ...refusal, surface, route })
}

function notedOf(response: express.Response): Noted | null {
  // Sound: nothing else writes this name, and the code above created its value.
  return (response.locals['noted'] as Noted | undefined) ?? null
}

interface Answered {
  readonly request: express.Request
  readonly response: express.Response
  readonly noted: Noted
}

/** Returns the function that counts an answer. The series of each route and status are looked up once. */
function countingBy(meter: Meter): (answered: Answered, startedAt: number) => void {
  const totals = new Map<string, (by: number) => void>()
  const seconds = new Map<string, (value: number) => void>()
  return ({ response, noted }, startedAt) => {
    const { served, faults } = noted
    const { surface, route, isStream = false } = served
    // A caller who leaves before the end got no answer; a stream always ends in this way.
    const isAnswered = response.writableFinished || (isStream && response.headersSent)
    const status = isAnswered ? String(response.statusCode) : 'aborted'
    const name = `${surface} ${route}`
    const nameOfTotal = `${name} ${status}`
    const total = totals.get(nameOfTotal) ?? meter.counter('mooring_http_requests_total', { surface, route, status })
    if (total !== undefined) totals.set(nameOfTotal, total)
    total?.(1)
    for (const { fault } of faults) meter.count('mooring_faults_total', { surface, fault: fault.code })
    if (isStream) return
    const lasted = seconds.get(name) ?? meter.histogram('mooring_http_request_seconds', { surface, route })
    if (lasted !== undefined) seconds.set(name, lasted)
    lasted?.((performance.now() - startedAt) / 1000)
  }
}

function ended(span: RequestSpan, { request, response, noted }: Answered): void {
  const { served, faults } = noted
  const [first] = faults
  span.note({
    'http.request.method': request.method,
    'http.route': served.route,
    'mooring.surface': served.surface,
    ...(response.headersSent ? { 'http.response.status_code': response.statusCode } : {}),
  })
  if (first !== undefined) span.failed(first.fault.code)
  span.end(served.route)
}

function logFaults(faultLines: FaultLines, { request, response, noted }: Answered): void {
  const { served, principal, faults } = noted
  const about = {
    requestId: String(response.getHeader('x-request-id')),
    address: clientAddress(request.ip, request.socket.remoteAddress),
    surface: served.surface,
    status: response.statusCode,
    ...(principal === undefined ? {} : { principal }),
  }
  for (const { fault, route = served.route, named } of faults) faultLines({ ...about, route, named, fault })
}
