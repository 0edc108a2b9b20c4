/**
 * Counts and traces requests: which route, how it was answered, how long it took, which faults. What serves a request notes what
 * it is; nothing of a path, a header or a body is ever kept, only the route's own spelling.
 */
import type express from 'express'
import type { Meter } from '#server/metrics/meter.ts'
import { type RequestSpan, requestSpan } from '#server/tracing/span.ts'
import type { FaultCode } from '#shared/faults/fault.ts'

/** What a request was for: a way of calling, and the route or procedure as its table spells it. */
export interface Served {
  readonly surface: string
  readonly route: string
  /** True for one that lasts for as long as its caller likes, of which no duration is counted. */
  readonly isStream?: boolean
}

interface Noted {
  served: Served
  readonly faults: FaultCode[]
}

const UNKNOWN: Served = { surface: 'none', route: 'unknown' }

/** Counts every request that passes, and those under way. */
export function observedRequests(meter: Meter): express.Handler {
  let running = 0
  meter.gauge('mooring_http_requests_running', () => [{ labels: {}, value: running }])
  return (request, response, next) => {
    const startedAt = performance.now()
    const span = requestSpan(request.headers)
    const noted: Noted = { served: UNKNOWN, faults: [] }
    response.locals['noted'] = noted
    running += 1
    response.once('close', () => {
      running -= 1
      counted(meter, { response, noted, startedAt })
      ended(span, { request, response, noted })
    })
    span.within(next)
  }
}

/** Notes what a request is for. */
export function noteServed(response: express.Response, served: Served): void {
  const noted = notedOf(response)
  if (noted !== null) noted.served = served
}

/** Notes a fault that is answered. */
export function noteFault(response: express.Response, code: FaultCode): void {
  notedOf(response)?.faults.push(code)
}

/** Counts an answer to what could not be read as a request. */
export function countUnread(meter: Meter, of: { status: number; fault: FaultCode }): void {
  const { surface, route } = UNKNOWN
  meter.count('mooring_http_requests_total', { surface, route, status: String(of.status) })
  meter.count('mooring_faults_total', { surface, fault: of.fault })
}

function notedOf(response: express.Response): Noted | null {
  // Sound: nothing else writes this name, and where it is there it was made above.
  return (response.locals['noted'] as Noted | undefined) ?? null
}

interface Answered {
  readonly response: express.Response
  readonly noted: Noted
}

function counted(meter: Meter, { response, noted, startedAt }: Answered & { startedAt: number }): void {
  const { served, faults } = noted
  const { surface, route } = served
  meter.count('mooring_http_requests_total', { surface, route, status: statusOf(response, served) })
  for (const fault of faults) meter.count('mooring_faults_total', { surface, fault })
  if (served.isStream === true) return
  meter.observe('mooring_http_request_seconds', { surface, route }, (performance.now() - startedAt) / 1000)
}

function ended(span: RequestSpan, { request, response, noted }: Answered & { request: express.Request }): void {
  const { served, faults } = noted
  const [fault] = faults
  span.note({
    'http.request.method': request.method,
    'http.route': served.route,
    'mooring.surface': served.surface,
    ...(response.headersSent ? { 'http.response.status_code': response.statusCode } : {}),
  })
  if (fault !== undefined) span.failed(fault)
  span.end(served.route)
}

/** A caller who leaves before the end was answered nothing; the end of a stream is always one of these. */
function statusOf(response: express.Response, { isStream = false }: Served): string {
  return response.writableFinished || (isStream && response.headersSent) ? String(response.statusCode) : 'aborted'
}
