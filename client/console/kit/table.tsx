/**
 * A table that scrolls by itself if it is too wide, and the buttons for a list with more than one page. Headings are
 * plain text; the last one, above a row's actions, may be available only to screen readers.
 */
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { Scroll } from './scroll.tsx'

interface TableProps {
  readonly label: string
  readonly headings: readonly string[]
  /** True if each row ends with its actions. */
  readonly hasActions?: boolean
  readonly children: ReactNode
}

/** A table with the given rows. */
export function Table({ label, headings, hasActions = false, children }: TableProps) {
  return (
    <Scroll label={label} isFlush>
      <table className="table">
        <caption className="unseen">{label}</caption>
        <thead>
          <tr>
            {headings.map(heading => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
            {hasActions ? (
              <th scope="col">
                <span className="unseen">Actions</span>
              </th>
            ) : null}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  )
}

interface PagesProps<C extends string> {
  readonly label: string
  /** The cursor of this page; null for the first. */
  readonly cursor: C | null
  /** The cursor of the next page; null on the last page. */
  readonly next: C | null
  readonly onGo: (cursor: C | null) => void
}

/** Buttons for the first and the next page; nothing if there is only one page. */
export function Pages<C extends string>({ label, cursor, next, onGo }: PagesProps<C>) {
  if (cursor === null && next === null) return null
  return (
    <nav className="pages" aria-label={label}>
      <Button disabled={cursor === null} onClick={() => onGo(null)}>
        Newest
      </Button>
      <Button disabled={next === null} onClick={() => onGo(next)}>
        Older
      </Button>
    </nav>
  )
}
