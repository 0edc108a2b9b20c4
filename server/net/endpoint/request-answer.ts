/**
 * A signed request as it passes between the worker and the dialling process. The body of a good answer is read where it can be
 * killed: the worker gets the page, never the JSON that a stranger wrote.
 *
 * A page travels as bytes ahead of the answer: a line that says how long each event is, then the events as they were written.
 * As JSON within JSON every quote of them would be escaped, and read, once more.
 */
import type { EndpointAnswer, EndpointRequest } from '#server/domain/feeds/endpoint.ts'
import { type FeedPage, type FoundEvent, parseFeedPage } from '#server/domain/feeds/feed-page.ts'
import type { DialContext } from '#server/net/postgres/dial-context.ts'
import type { FailureCode } from '#shared/faults/failure.ts'
import { type EndpointReply, requestEndpoint } from './endpoint.ts'

/** Of one page. We ask for a thousand; each is a row that the worker writes. */
export const MAX_PAGE_EVENTS = 10_000

/** Beyond the events themselves: what the line before them may have for each byte of the page. */
const LINE_FACTOR = 2

const NEWLINE = 0x0a

/** Most bytes of a page on the pipe, for a body of so many. */
export const pipedBytes = (maxBytes: number): number => maxBytes * (1 + LINE_FACTOR) + 1_024

/** The line before the events: of each its id, its time and the bytes of its text. */
interface PageLine {
  readonly nextCursor: string | null
  readonly events: readonly (readonly [id: string, occurredAtMs: number | null, bytes: number])[]
}

/** Makes the request, reads the body of a 200 as a page, and sends that ahead. Runs in the dialling process. */
export async function requestFromChild(request: EndpointRequest, context: DialContext): Promise<EndpointAnswer> {
  const { policy, resolver, roots } = context
  const net = { policy, resolver, ...(roots === undefined ? {} : { roots }) }
  const answer = readReply(await requestEndpoint(request, net))
  if (answer.page !== null) await context.send(packPage(answer.page))
  return { ...answer, page: null }
}

/** A reply with its body read: a page of bounded events, or the failure to be one. */
export function readReply({ body, ...reply }: EndpointReply): EndpointAnswer {
  const page = body === null ? null : parseFeedPage(body)
  if (body !== null && page === null) return { ...reply, page, failure: { code: 'endpoint_answer' } }
  const isTooLong = page !== null && page.events.length > MAX_PAGE_EVENTS
  return isTooLong ? { ...reply, page: null, failure: { code: 'response_too_large' } } : { ...reply, page }
}

/** The answer with the page that came ahead of it: every answer without a failure has one. Runs in the worker. */
export function withPage(answer: EndpointAnswer, pieces: readonly Buffer[]): EndpointAnswer {
  return answer.failure === null ? { ...answer, page: unpackPage(Buffer.concat(pieces)) } : answer
}

/** A page as bytes. */
export function packPage({ events, nextCursor }: FeedPage): Buffer {
  const texts = events.map(({ json }) => Buffer.from(json, 'utf8'))
  const line: PageLine = {
    nextCursor,
    events: events.map(({ id, occurredAtMs }, at) => [id, occurredAtMs, texts[at]?.length ?? 0]),
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(line)}\n`, 'utf8'), ...texts])
}

/** The page of these bytes. */
export function unpackPage(bytes: Buffer): FeedPage {
  const end = bytes.indexOf(NEWLINE)
  // Sound: our own code wrote it, with bounded events and ids. JSON has no line break outside of its strings' escapes.
  const { nextCursor, events: listed } = JSON.parse(bytes.toString('utf8', 0, end)) as PageLine
  let at = end + 1
  const events = listed.map(([id, occurredAtMs, length]): FoundEvent => {
    const json = bytes.toString('utf8', at, at + length)
    at += length
    return { id, occurredAtMs, json }
  })
  return { events, nextCursor }
}

/** The answer where there is none: nothing is known but that it took too long or too much. */
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
