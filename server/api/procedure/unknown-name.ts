/**
 * The name of a field that no schema has: the caller's text, which may be a misplaced secret. It is repeated only if it
 * looks like a name and shares nothing with the texts next to it. Called by the code that makes faults for rejected
 * inputs.
 */
import { sharesPiece } from '#shared/base/text.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/

/** True if the name may be repeated. `beside` is the object that contains it. */
export function mayRepeat(name: string, beside: unknown): boolean {
  if (!NAME.test(name)) return false
  return Object.values(Object(beside)).every(value => typeof value !== 'string' || !sharesPiece(name, value))
}
