/**
 * JSON built in a thread and sent unchanged: an event loop that serves others neither parses nor serialises it. In the
 * surrounding answer, a mark takes its place, which the listener replaces with the bytes.
 */
import { randomUUID } from 'node:crypto'

/**
 * Such a text. `JSON.stringify` writes its mark, which is unpredictable: no text of a stranger can be mistaken for it.
 */
export class JsonText {
  readonly bytes: Uint8Array
  readonly #mark = `text:${randomUUID()}`

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  toJSON(): string {
    return this.#mark
  }
}

/** The bytes of an answer: `json` with each mark replaced by its text. */
export function inPlace(json: string, texts: readonly JsonText[]): Uint8Array[] {
  let rest: (string | Uint8Array)[] = [json]
  for (const text of texts) {
    rest = rest.flatMap(piece => (typeof piece === 'string' ? around(piece, text) : [piece]))
  }
  return rest.map(piece => (typeof piece === 'string' ? Buffer.from(piece) : piece))
}

function around(piece: string, text: JsonText): (string | Uint8Array)[] {
  const [before = '', ...after] = piece.split(JSON.stringify(text))
  return [before, ...after.flatMap(next => [text.bytes, next])]
}
