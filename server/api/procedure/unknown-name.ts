/**
 * The name of a field that no schema has: the caller's text, which may be a secret in the wrong place. It is repeated only where it
 * looks like a name, and shares nothing with the texts beside it. Called by what makes faults of refused inputs.
 */
import { sharesPiece } from '#shared/base/text.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/

/** Whether it may be repeated. `beside` is the object that has it. */
export function mayRepeat(name: string, beside: unknown): boolean {
  if (!NAME.test(name)) return false
  return Object.values(Object(beside)).every(value => typeof value !== 'string' || !sharesPiece(name, value))
}
