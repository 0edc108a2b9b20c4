/**
 * Server-sent events as bytes, in the form that tRPC's clients read. An event that is told to many is one object, and is
 * spelled once for all of them.
 */
import type { TrackedEnvelope } from '@trpc/server'

/** Spells events. Held by the writer of subscriptions. */
export class EventText {
  /** By what is told, for as long as somebody holds that. */
  readonly #spelled = new WeakMap<object, Buffer>()

  /** A message with its id. */
  of([id, told]: TrackedEnvelope<unknown>): Buffer {
    if (typeof told !== 'object' || told === null) return message(id, told)
    const known = this.#spelled.get(told)
    if (known !== undefined) return known
    const text = message(id, told)
    this.#spelled.set(told, text)
    return text
  }

  /** The first event of a stream: how long its reader may wait for a sign of life before it connects anew. */
  connected(reconnectAfterInactivityMs: number): Buffer {
    return this.named('connected', JSON.stringify({ reconnectAfterInactivityMs }))
  }

  /** An event of the protocol: `ping`, `return`, `serialized-error`. `json` has no line breaks. */
  named(event: string, json: string): Buffer {
    return Buffer.from(`event: ${event}\ndata: ${json}\n\n`)
  }
}

/** JSON has no raw line breaks, and neither do our ids. */
function message(id: string, told: unknown): Buffer {
  return Buffer.from(`data: ${JSON.stringify(told)}\nid: ${id}\n\n`)
}
