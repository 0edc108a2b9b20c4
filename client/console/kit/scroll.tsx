/**
 * What may be wider than its place scrolls by itself, and is reached by the keyboard.
 * The page itself never scrolls sideways.
 */
import type { ReactNode } from 'react'

/** The place of a wide table. `isFlush`: it has no padding around it to reach over. */
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
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
    <section className={isFlush ? 'scroll-x flush' : 'scroll-x'} tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}
