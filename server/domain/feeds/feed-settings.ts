/**
 * The settings of an installation for endpoints and their feeds. `config.ts` reads them and supplies the functions that
 * read a variable, so that all messages about an invalid one are alike.
 */

/** Settings for endpoints and feeds. Times are in milliseconds. */
export interface FeedSettings {
  /**
   * The path of a PEM file with authorities trusted in addition to the public ones, for private installations; null for
   * none.
   */
  readonly extraCaFile: string | null
  /** How long an event's payload is kept after it is stored. */
  readonly retentionMs: number
  /** How long a new signing key may take to be accepted, while requests carry both signatures. */
  readonly rotationWindowMs: number
}

/** The readers of `config.ts`: an integer within bounds, or text; null for an unset variable. */
export interface SettingReader {
  integer(ask: { variable: string; fallback: number; min: number; max: number }): number
  text(variable: string): string | null
}

const DAY_SECONDS = 86_400

/** Reads the settings. Throws what the reader throws. */
export function feedSettings(read: SettingReader): FeedSettings {
  const retention = { variable: 'MOORING_EVENT_RETENTION_SECONDS', fallback: 30 * DAY_SECONDS }
  const rotation = { variable: 'MOORING_ROTATION_WINDOW_SECONDS', fallback: DAY_SECONDS }
  return {
    extraCaFile: read.text('MOORING_EXTRA_CA'),
    retentionMs: read.integer({ ...retention, min: 60, max: 3_650 * DAY_SECONDS }) * 1_000,
    rotationWindowMs: read.integer({ ...rotation, min: 1, max: 30 * DAY_SECONDS }) * 1_000,
  }
}
