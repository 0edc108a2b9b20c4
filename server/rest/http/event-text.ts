/**
 * Server-sent events as bytes, in the format that tRPC's clients read. An event for many subscribers is one object, and
 * is serialised once for all of them.
 */
import type { TrackedEnvelope } from '@trpc/server'

/** Serialises events. Held by the writer of subscriptions. */
export class EventText {
  /** Cached by event, until the event is garbage-collected. */
  readonly #texts = new WeakMap<object, Buffer>()

  /** A message with its id. */
  of([id, sent]: TrackedEnvelope<unknown>): Buffer {
    if (typeof sent !== 'object' || sent === null) return message(id, sent)
    const known = this.#texts.get(sent)
    if (known !== undefined) return known
    const text = message(id, sent)
    this.#texts.set(sent, text)
    return text
  }

  /** The first event of a stream: how long its reader may wait for a sign of life before it reconnects. */
  connected(reconnectAfterInactivityMs: number): Buffer {
    return this.named('connected', JSON.stringify({ reconnectAfterInactivityMs }))
  }

  /** An event of the protocol: `ping`, `return`, `serialized-error`. `json` contains no line breaks. */
  named(event: string, json: string): Buffer {
    return Buffer.from(`event: ${event}\ndata: ${json}\n\n`)
  }
}

/** JSON text contains no raw line breaks, and neither do our ids. */
function message(id: string, sent: unknown): Buffer {
  return Buffer.from(`data: ${JSON.stringify(sent)}\nid: ${id}\n\n`)
}
