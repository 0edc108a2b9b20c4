/**
 * JSON that was made in a thread and is sent byte for byte: an event loop that serves others neither parses nor serializes it. In
 * an answer around it, a mark holds its place, which the listener replaces by the bytes.
 */
import { randomUUID } from 'node:crypto'

/** Such a text. In `JSON.stringify` it is its mark, which nobody can foretell: no text of a stranger can be taken for it. */
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

/** The bytes of an answer: `spelled` with each text in the place of its mark. */
export function inPlace(spelled: string, texts: readonly JsonText[]): Uint8Array[] {
  let rest: (string | Uint8Array)[] = [spelled]
  for (const text of texts) {
    rest = rest.flatMap(piece => (typeof piece === 'string' ? around(piece, text) : [piece]))
  }
  return rest.map(piece => (typeof piece === 'string' ? Buffer.from(piece) : piece))
}

function around(piece: string, text: JsonText): (string | Uint8Array)[] {
  const [before = '', ...after] = piece.split(JSON.stringify(text))
  return [before, ...after.flatMap(next => [text.bytes, next])]
}
