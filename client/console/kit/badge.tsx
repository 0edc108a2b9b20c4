/**
 * A word with a colour, for states and classes. The word carries all of the meaning; colour and dot only repeat it.
 * Tones are named for their meaning, never for a colour.
 */
import type { ReactNode } from 'react'

/** The meaning of a badge, a notice or a row. */
export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'note'

/** A badge. `isLive` marks something in progress. */
export function Badge({
  tone = 'neutral',
  isLive = false,
  children,
}: {
  tone?: Tone
  isLive?: boolean
  children: ReactNode
}) {
  return (
    <span className={`badge ${tone}${isLive ? ' live' : ''}`}>
      <span className="dot" aria-hidden />
      {children}
    </span>
  )
}

/** Shows whether a key or a datasource is live or test. */
export function ModeTag({ mode }: { mode: 'live' | 'test' }) {
  return <span className={`tag ${mode}`}>{mode}</span>
}
