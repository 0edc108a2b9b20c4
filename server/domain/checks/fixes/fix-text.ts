/**
 * The form of a fix: sentences first, then lines to paste.
 * Called by the other files of this folder.
 */
import type { TriedLogin } from '#server/domain/checks/tried-login.ts'
import type { Failure } from '#shared/faults/failure.ts'

/** A fix: lines of text, with SQL last. */
export type Fix = (tried: TriedLogin, failure: Failure) => string

/** Joins lines, without the empty ones. */
export const lines = (...texts: readonly string[]) => texts.filter(text => text !== '').join('\n')
