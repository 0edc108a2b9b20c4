/**
 * A time: relative to now, exact on hover and for screen
 * readers. The console shows every time with it.
 */

import { exactTime, relativeTime } from '#client/console/base/format.ts'
import { useNow } from '#client/console/base/session-context.tsx'

/** Shows a time; a dash if there is none. */
export function Time({ at, none = '–' }: { at: string | null; none?: string }) {
  const now = useNow()
  if (at === null) return <span className="faint">{none}</span>
  return (
    <time className="number" dateTime={at} title={exactTime(at)}>
      {relativeTime(at, now)}
    </time>
  )
}
