/**
 * A table of rows, which scrolls by itself where it is wider than its place, and the buttons of a list that has more than a page.
 * Headings are texts; the last one may be only heard, of what is done to a row.
 */
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { Scroll } from './scroll.tsx'

interface TableProps {
  readonly label: string
  readonly headings: readonly string[]
  /** Each row ends with what can be done to it. */
  readonly hasActions?: boolean
  readonly children: ReactNode
}

/** The table, around its rows. */
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
  /** That of the next one; null behind the last. */
  readonly next: C | null
  readonly onGo: (cursor: C | null) => void
}

/** To the first page and to the next; nothing where there is one page alone. */
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
