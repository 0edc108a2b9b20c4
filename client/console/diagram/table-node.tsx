/**
 * One table of the diagram: its name, its keys, and the first of its other columns. The line of a foreign key starts at
 * its column.
 */
import { Handle, type Node, type NodeProps, Position } from '@xyflow/react'
import { Key, Link2 } from 'lucide-react'
import type { ColumnLine, TableBox } from './graph.ts'

/** A table as the canvas holds it. */
export type TableNodeType = Node<
  { readonly table: TableBox; readonly isChosen: boolean; readonly isForeign: boolean },
  'table'
>

/** The table. */
export function TableNode({ data: { table, isChosen, isForeign } }: NodeProps<TableNodeType>) {
  return (
    <div className={isChosen ? 'table-node chosen' : 'table-node'}>
      <div className="table-node-head cut">
        {isForeign ? <span className="faint">{table.schema}.</span> : null}
        {table.name}
      </div>
      <Handle type="target" position={Position.Left} isConnectable={false} className="table-node-in" />
      {table.columns.map(column => (
        <ColumnView key={column.name} column={column} />
      ))}
      {table.more > 0 ? <div className="table-node-line faint">and {table.more} more</div> : null}
    </div>
  )
}

function ColumnView({ column: { name, type, isPrimary, isForeign } }: { column: ColumnLine }) {
  return (
    <div className="table-node-line">
      {isPrimary ? <Key className="icon accent" role="img" aria-label="primary key" /> : null}
      {isForeign && !isPrimary ? <Link2 className="icon" role="img" aria-label="foreign key" /> : null}
      {!isPrimary && !isForeign ? <span className="icon" /> : null}
      <span className="cut">{name}</span>
      {isForeign && isPrimary ? <Link2 className="icon" role="img" aria-label="foreign key" /> : null}
      <span className="faint cut table-node-type">{type}</span>
      {isForeign ? <Handle id={name} type="source" position={Position.Right} isConnectable={false} /> : null}
    </div>
  )
}
