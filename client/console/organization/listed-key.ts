/**
 * A key as the list has it, for the parts of its tab.
 * Never the key itself.
 */
import type { Outputs } from '#client/index.ts'

/** A key of the list. */
export type KeyItem = Outputs['organization']['listKeys']['items'][number]
