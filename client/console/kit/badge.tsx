/**
 * A word with a colour: states and classes. The word alone says everything; the colour and the dot repeat it.
 * Tones are named by what they mean, never by a colour.
 */
import type { ReactNode } from 'react'

/** What a badge, a notice or a row means. */
export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'note'

/** A badge. `isLive`: what it tells of is under way. */
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

/** Live or test, wherever a key or a datasource is shown. */
export function ModeTag({ mode }: { mode: 'live' | 'test' }) {
  return <span className={`tag ${mode}`}>{mode}</span>
}
