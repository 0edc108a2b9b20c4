/**
 * The columns of a table, with the keys that they belong to.
 * Foreign keys link to the tables that they refer to.
 */

import { Key, Link2 } from 'lucide-react'
import { Scroll } from '#client/console/kit/scroll.tsx'
import type { Column, Relation } from '#shared/schemas/snapshot-relation.ts'
import { keyOf } from './outline.ts'

/** The table of columns. */
export function ColumnTable({ relation, onFollow }: { relation: Relation; onFollow: (key: string) => void }) {
  return (
    <Scroll label="Columns">
      <table className="table columns">
        <caption className="unseen">Columns</caption>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Type</th>
            <th scope="col">Default</th>
            <th scope="col">Key</th>
          </tr>
        </thead>
        <tbody>
          {relation.columns.map(column => (
            <ColumnRow key={column.name} column={column} relation={relation} onFollow={onFollow} />
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

interface RowProps {
  readonly column: Column
  readonly relation: Relation
  readonly onFollow: (key: string) => void
}

function ColumnRow({ column, relation: { constraints = [] }, onFollow }: RowProps) {
  const within = constraints.filter(({ columns }) => columns.includes(column.name))
  const isPrimary = within.some(({ kind }) => kind === 'primary_key')
  const references = within.flatMap(({ kind, references: to }) =>
    kind === 'foreign_key' && to !== undefined ? [to] : [],
  )
  const filled =
    column.generated ??
    column.default ??
    (column.identity === undefined ? undefined : `identity ${column.identity.replace('_', ' ')}`)
  return (
    <tr>
      <td>
        <span className={column.notNull ? 'strong' : undefined}>{column.name}</span>
        {column.comment === undefined ? null : <span className="faint small column-comment">{column.comment}</span>}
      </td>
      <td>
        <code>{column.type}</code>
        {column.notNull ? null : <span className="faint small"> null</span>}
      </td>
      <td>{filled === undefined ? null : <code className="soft small">{filled}</code>}</td>
      <td>
        {isPrimary ? <Key className="icon accent" role="img" aria-label="primary key" /> : null}
        {references.map(to => (
          <button
            key={`${to.schema} ${to.relation}`}
            type="button"
            className="follow"
            onClick={() => onFollow(keyOf(to.schema, to.relation))}
          >
            <Link2 className="icon" aria-hidden />
            <span className="cut">{to.relation}</span>
          </button>
        ))}
      </td>
    </tr>
  )
}
