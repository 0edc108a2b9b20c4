/**
 * A signed request as it passes between the worker and the dialling process. The body of a good answer is parsed in the
 * process that can be killed: the worker gets the page, never the JSON that a stranger wrote.
 *
 * A page is sent as bytes ahead of the answer: a line with the length of each event, then the events as they were
 * written. As JSON within JSON, every quote in them would be escaped and parsed once more.
 */
import type { EndpointAnswer, EndpointRequest } from '#server/domain/feeds/endpoint.ts'
import { type FeedPage, type FoundEvent, parseFeedPage } from '#server/domain/feeds/feed-page.ts'
import type { DialContext } from '#server/net/postgres/dial-context.ts'
import type { FailureCode } from '#shared/faults/failure.ts'
import { type EndpointReply, requestEndpoint } from './endpoint.ts'

/** The maximum number of events in a page. We ask for a thousand; the worker writes a row for each. */
export const MAX_PAGE_EVENTS = 10_000

/** The line before the events may take this many bytes for each byte of the page. */
const LINE_FACTOR = 2

const NEWLINE = 0x0a

/** The maximum number of bytes on the pipe for a page from a body of `maxBytes`. */
export const pipedBytes = (maxBytes: number): number => maxBytes * (1 + LINE_FACTOR) + 1_024

/** The line before the events: the id, time and byte length of each. */
interface PageLine {
  readonly nextCursor: string | null
  readonly events: readonly (readonly [id: string, occurredAtMs: number | null, bytes: number])[]
}

/** Makes the request, parses the body of a 200 as a page, and sends the page ahead. Runs in the dialling process. */
export async function requestFromChild(request: EndpointRequest, context: DialContext): Promise<EndpointAnswer> {
  const { policy, resolver, roots } = context
  const net = { policy, resolver, ...(roots === undefined ? {} : { roots }) }
  const answer = readReply(await requestEndpoint(request, net))
  if (answer.page !== null) await context.send(packPage(answer.page))
  return { ...answer, page: null }
}

/** A reply with its body parsed: a page of bounded events, or a failure. */
export function readReply({ body, ...reply }: EndpointReply): EndpointAnswer {
  const page = body === null ? null : parseFeedPage(body)
  if (body !== null && page === null) return { ...reply, page, failure: { code: 'endpoint_answer' } }
  const isTooLong = page !== null && page.events.length > MAX_PAGE_EVENTS
  return isTooLong ? { ...reply, page: null, failure: { code: 'response_too_large' } } : { ...reply, page }
}

/**
 * The answer with the page that was sent ahead of it, present in every answer without a failure. Runs in the worker.
 */
export function withPage(answer: EndpointAnswer, pieces: readonly Buffer[]): EndpointAnswer {
  return answer.failure === null ? { ...answer, page: unpackPage(Buffer.concat(pieces)) } : answer
}

/** Encodes a page as bytes. */
export function packPage({ events, nextCursor }: FeedPage): Buffer {
  const texts = events.map(({ json }) => Buffer.from(json, 'utf8'))
  const line: PageLine = {
    nextCursor,
    events: events.map(({ id, occurredAtMs }, at) => [id, occurredAtMs, texts[at]?.length ?? 0]),
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(line)}\n`, 'utf8'), ...texts])
}

/** Decodes a page from bytes. */
export function unpackPage(bytes: Buffer): FeedPage {
  const end = bytes.indexOf(NEWLINE)
  // Sound: our own code wrote it, with bounded events and ids. JSON text contains no raw line break.
  const { nextCursor, events: listed } = JSON.parse(bytes.toString('utf8', 0, end)) as PageLine
  let at = end + 1
  const events = listed.map(([id, occurredAtMs, length]): FoundEvent => {
    const json = bytes.toString('utf8', at, at + length)
    at += length
    return { id, occurredAtMs, json }
  })
  return { events, nextCursor }
}

/** The answer if the dialling process gave none, because it was busy or died. */
export function noAnswer(code: FailureCode, tookMs: number): EndpointAnswer {
  return {
    status: null,
    retryAfterSeconds: null,
    page: null,
    failure: { code },
    passed: null,
    addresses: [],
    tls: null,
    clockOffsetSeconds: null,
    tookMs: Math.round(tookMs),
  }
}
