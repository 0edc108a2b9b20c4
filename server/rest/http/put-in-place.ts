/**
 * Inserts texts that were built in threads into an answer that the
 * library writes, in place of their marks.
 */
import type express from 'express'
import { inPlace, type JsonText } from '#server/api/schemas/reader/json-text.ts'

/**
 * From the first text on, output is buffered until the end; it is small, since marks stand for the large parts. An
 * answer without texts is written directly.
 */
export function putInPlace(response: express.Response, texts: readonly JsonText[]): void {
  const held: Uint8Array[] = []
  const [write, end] = [response.write.bind(response), response.end.bind(response)]
  const hold = (chunk: unknown): boolean => {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return false
    held.push(Buffer.from(chunk))
    return true
  }
  const holding = (...args: Parameters<typeof write>): boolean =>
    texts.length > 0 && hold(args[0]) ? true : write(...args)
  const ending = (...args: Parameters<typeof end>): express.Response => {
    if (texts.length === 0) return end(...args)
    hold(args[0])
    for (const piece of inPlace(Buffer.concat(held).toString('utf8'), texts)) write(piece, 'utf8')
    return end()
  }
  Object.assign(response, { write: holding, end: ending })
}
