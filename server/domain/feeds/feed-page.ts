/**
 * Parses the answer of an endpoint, or a push, into events to store and the next cursor, or finds that it is invalid.
 *
 * The whole page is accepted or none of it: a half-stored page would move no cursor and come back forever. Called by
 * the poll and by the verification, on text that `net/endpoint.ts` has bounded.
 */
import type { z } from 'zod'
import { EventsAnswer, type EventsRequest, type FeedEvent, PushBody } from '#shared/feeds/event.ts'
import { elementTexts } from './json-text.ts'

/** The maximum nesting of an event's JSON. Rich-text documents are the deepest in practice, at around 50 levels. */
export const MAX_JSON_DEPTH = 128

/** One event as stored. */
export interface FoundEvent {
  /** The customer's id, by which events of a datasource are deduplicated. */
  readonly id: string
  /** Epoch milliseconds as given by the customer; null if absent. Never used for ordering. */
  readonly occurredAtMs: number | null
  /**
   * The whole event exactly as it was written. It may contain `\u0000` and lone surrogates as escapes, which a `json`
   * column accepts and a `jsonb` column rejects.
   */
  readonly json: string
}

/** A page in the order of its events, each id once. */
export interface FeedPage {
  readonly events: readonly FoundEvent[]
  readonly nextCursor: string | null
}

/** The body that requests a page; without a cursor it starts from the beginning. `limit` is at least 1. */
export function eventsRequest(cursor: string | null, limit: number): string {
  const body: EventsRequest = { type: 'events', ...(cursor === null ? {} : { cursor }), limit: Math.max(1, limit) }
  return JSON.stringify(body)
}

/**
 * Parses the body of a 200. Null for anything but an object with well-formed `events` and a string or absent
 * `nextCursor`: nothing is then stored and the cursor stays.
 *
 * An empty `nextCursor` counts as absent: as a position it could only mean the beginning, and all events would be read
 * again.
 */
export function parseFeedPage(body: string): FeedPage | null {
  const read = reading(EventsAnswer, body)
  return read && { events: foundIn(read.parsed.events, read.texts), nextCursor: read.parsed.nextCursor || null }
}

/** Parses the exact body of a push whose signature was verified or whose caller was authorized; null as above. */
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

/** The first occurrence of a repeated id counts. */
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
