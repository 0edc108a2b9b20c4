/**
 * A key as it appears in the list, for the parts of
 * its tab. It never contains the key itself.
 */
import type { Outputs } from '#client/index.ts'

/** A key in the list. */
export type KeyItem = Outputs['organization']['listKeys']['items'][number]
