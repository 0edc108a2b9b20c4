/**
 * A container that scrolls by itself if its content is too wide, and can be reached by keyboard. The page itself never
 * scrolls sideways.
 */
import type { ReactNode } from 'react'

/** A container for a wide table. `isFlush` means that it has no padding around it to extend into. */
export function Scroll({
  label,
  isFlush = false,
  children,
}: {
  label: string
  isFlush?: boolean
  children: ReactNode
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className={isFlush ? 'scroll-x flush' : 'scroll-x'} tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}
