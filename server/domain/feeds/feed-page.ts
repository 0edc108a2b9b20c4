/**
 * The answer of an endpoint, or a push → events to store and the cursor to send next, or the finding that it is not one.
 *
 * The whole page is taken or none of it: a page that is half stored would move no cursor and come back for ever. Called
 * by the poll and by the verification, on text that `net/endpoint.ts` has bounded.
 */
import type { z } from 'zod'
import { EventsAnswer, type EventsRequest, type FeedEvent, PushBody } from '#shared/feeds/event.ts'
import { elementTexts } from './json-text.ts'

/** How deep an event's JSON may be nested. Rich-text documents are the deepest that occur, at around 50. */
export const MAX_JSON_DEPTH = 128

/** One event as it is stored. */
export interface FoundEvent {
  /** The customer's id, which deduplicates within the datasource. */
  readonly id: string
  /** Epoch milliseconds as the customer gave them; null if they gave none. Never used for the order. */
  readonly occurredAtMs: number | null
  /**
   * The whole event exactly as it was written. It may hold `\u0000` and lone surrogates as escapes, which a `json` column
   * takes and a `jsonb` column refuses.
   */
  readonly json: string
}

/** A page in the order of its events, each id once. */
export interface FeedPage {
  readonly events: readonly FoundEvent[]
  readonly nextCursor: string | null
}

/** The body that asks for a page; without a cursor from the beginning. `limit` is at least 1. */
export function eventsRequest(cursor: string | null, limit: number): string {
  const body: EventsRequest = { type: 'events', ...(cursor === null ? {} : { cursor }), limit: Math.max(1, limit) }
  return JSON.stringify(body)
}

/**
 * Reads the body of a 200. Null for everything but an object with well-formed `events` and a string or absent
 * `nextCursor`: then nothing is stored and the cursor stays.
 *
 * An empty `nextCursor` counts as absent: as a position it could only mean the beginning, and would read all again.
 */
export function parseFeedPage(body: string): FeedPage | null {
  const read = reading(EventsAnswer, body)
  return read && { events: foundIn(read.parsed.events, read.texts), nextCursor: read.parsed.nextCursor || null }
}

/** Reads the exact body of a push, whose signature was checked or whose caller was authorized; null as above. */
export function readPush(body: string): readonly FoundEvent[] | null {
  const read = reading(PushBody, body)
  return read && foundIn(read.parsed.events, read.texts)
}

/** The parsed body and the texts of its events. The depth is checked before anything is built from it. */
function reading<T>(schema: z.ZodType<T>, body: string): { parsed: T; texts: string[] } | null {
  const texts = elementTexts(body, 'events', MAX_JSON_DEPTH)
  const parsed = texts === null ? undefined : schema.safeParse(parseOrNull(body)).data
  return texts === null || parsed === undefined ? null : { parsed, texts }
}

/** An id that occurs twice counts where it occurs first. */
function foundIn(events: readonly FeedEvent[], texts: readonly string[]): readonly FoundEvent[] {
  const seen = new Set<string>()
  return events.flatMap(({ id, occurredAt }, at) => {
    const json = texts[at]
    if (seen.has(id) || json === undefined) return []
    seen.add(id)
    return [{ id, occurredAtMs: occurredAt ?? null, json }]
  })
}

function parseOrNull(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}
