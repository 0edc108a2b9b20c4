/**
 * The settings of an installation for endpoints and their feeds. Read by `config.ts`, which hands in its own ways of reading a
 * variable, so that the sentences about a bad one are all alike.
 */

/** The settings. Times in milliseconds. */
export interface FeedSettings {
  /** Path of a PEM file: authorities that are trusted beside the public ones, for private installations; null for none. */
  readonly extraCaFile: string | null
  /** How long an event's payload is kept after it was stored. */
  readonly retentionMs: number
  /** How long a new signing key may take to be accepted, while requests carry both signatures. */
  readonly rotationWindowMs: number
}

/** How `config.ts` reads: a whole number within bounds, or text; null for a variable that is not set. */
export interface SettingReader {
  integer(ask: { variable: string; fallback: number; min: number; max: number }): number
  text(variable: string): string | null
}

const DAY_SECONDS = 86_400

/** Reads them. Throws what the reader throws. */
export function feedSettings(read: SettingReader): FeedSettings {
  const retention = { variable: 'MOORING_EVENT_RETENTION_SECONDS', fallback: 30 * DAY_SECONDS }
  const rotation = { variable: 'MOORING_ROTATION_WINDOW_SECONDS', fallback: DAY_SECONDS }
  return {
    extraCaFile: read.text('MOORING_EXTRA_CA'),
    retentionMs: read.integer({ ...retention, min: 60, max: 3_650 * DAY_SECONDS }) * 1_000,
    rotationWindowMs: read.integer({ ...rotation, min: 1, max: 30 * DAY_SECONDS }) * 1_000,
  }
}
