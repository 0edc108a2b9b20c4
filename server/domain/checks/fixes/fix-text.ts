/**
 * The shape of a fix: sentences first, and below them lines to paste. Called by the other files of this folder.
 */
import type { TriedLogin } from '#server/domain/checks/tried-login.ts'
import type { Failure } from '#shared/faults/failure.ts'

/** A fix: lines of text, of which SQL is the last. */
export type Fix = (tried: TriedLogin, failure: Failure) => string

/** Lines below each other, without those that are empty. */
export const lines = (...texts: readonly string[]) => texts.filter(text => text !== '').join('\n')
