/**
 * The foreign keys of a diagram as a list, for readers who
 * cannot see it. Each entry links to its tables.
 */
import { quantity } from '#client/console/base/format.ts'
import { namesOfKey } from '#client/console/schemas/outline.ts'
import type { Tie } from './graph.ts'

interface TieListProps {
  readonly ties: readonly Tie[]
  readonly onChoose: (table: string) => void
}

/** The list, collapsed at first. */
export function TieList({ ties, onChoose }: TieListProps) {
  if (ties.length === 0) return null
  return (
    <details className="tie-list">
      <summary>{quantity(ties.length, 'foreign key')} as a list</summary>
      <ul>
        {ties.map(({ key, from, to, columns }) => (
          <li key={key}>
            <TableLink table={from} onChoose={onChoose} />
            <span className="soft"> ({columns.join(', ')}) refers to </span>
            <TableLink table={to} onChoose={onChoose} />
          </li>
        ))}
      </ul>
    </details>
  )
}

function TableLink({ table, onChoose }: { table: string; onChoose: (table: string) => void }) {
  const { schema, name } = namesOfKey(table)
  return (
    <button type="button" className="follow" onClick={() => onChoose(table)}>
      <span className="cut">
        {schema}.{name}
      </span>
    </button>
  )
}
