/**
 * A diagram of a schema, or of one table with its neighbours: tables with their keys, and the foreign keys between
 * them, as a picture and as a list. For a schema with too many tables, the reader chooses a table first.
 */
import { useMemo, useState } from 'react'
import type { DatasourceItem } from '#client/console/api/trpc.ts'
import { quantity } from '#client/console/base/format.ts'
import { Choice } from '#client/console/kit/choice.tsx'
import { Empty } from '#client/console/kit/feedback.tsx'
import { Pick } from '#client/console/kit/pick.tsx'
import { LatestSchema } from '#client/console/schemas/latest-schema.tsx'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { Canvas } from './canvas.tsx'
import { type Graph, graphOf, MOST_TABLES, MOST_TIES, neighbourGraph, schemaGraph } from './graph.ts'
import { TieList } from './tie-list.tsx'

/** The tab for the diagram. */
export function DiagramTab({ datasource }: { datasource: DatasourceItem }) {
  return <LatestSchema datasource={datasource}>{snapshot => <Diagram snapshot={snapshot} />}</LatestSchema>
}

function Diagram({ snapshot }: { snapshot: Snapshot }) {
  const whole = useMemo(() => graphOf(snapshot), [snapshot])
  const schemas = useMemo(() => [...new Set(whole.tables.map(table => table.schema))], [whole])
  const [asked, setAsked] = useState<string | null>(null)
  const [table, setTable] = useState<string | null>(null)
  const schema = schemas.find(one => one === asked) ?? schemas[0]
  const ofSchema = useMemo(() => schemaGraph(whole, schema ?? ''), [whole, schema])
  const chosen = whole.tables.some(({ key }) => key === table) ? table : null
  const displayed = useMemo(
    () => (chosen === null ? ofSchema : neighbourGraph(whole, chosen)),
    [whole, ofSchema, chosen],
  )
  if (schema === undefined) return <Empty title="There are no tables">A diagram shows tables and their keys.</Empty>
  const goTo = (to: string | null) => {
    const found = whole.tables.find(({ key }) => key === to)
    if (found !== undefined) setAsked(found.schema)
    setTable(to)
  }
  return (
    <div className="diagram-whole">
      <div className="diagram-choices">
        {schemas.length < 2 ? null : (
          <Choice
            label="Schema"
            value={schema}
            options={schemas.map(value => ({ value, label: value }))}
            onChange={to => {
              setAsked(to)
              setTable(null)
            }}
          />
        )}
        <TablePick graph={ofSchema} chosen={chosen} onChoose={goTo} />
      </div>
      <Drawn graph={displayed} chosen={chosen} onChoose={goTo} />
    </div>
  )
}

interface DrawnProps {
  readonly graph: Graph
  readonly chosen: string | null
  readonly onChoose: (table: string | null) => void
}

function TablePick({ graph, chosen, onChoose }: DrawnProps) {
  const options = useMemo(() => graph.tables.map(({ key, name }) => ({ value: key, label: name })), [graph])
  return <Pick label="Table" none="All tables of the schema" value={chosen} options={options} onChange={onChoose} />
}

function Drawn({ graph, chosen, onChoose }: DrawnProps) {
  const { tables, ties } = graph
  if (tables.length > MOST_TABLES || ties.length > MOST_TIES)
    return (
      <Empty
        title={`${quantity(tables.length, 'table')} and ${quantity(ties.length, 'foreign key')} are too many for one picture`}
      >
        Choose a table above to see it with its neighbours.
      </Empty>
    )
  return (
    <>
      <p className="faint small diagram-about" role="status">
        {quantity(tables.length, 'table')}, {quantity(ties.length, 'foreign key')}
        {chosen === null ? '. Choose a table to see it with its neighbours.' : '.'}
      </p>
      <Canvas
        key={`${chosen} ${tables[0]?.schema} ${tables.length}`}
        graph={graph}
        chosen={chosen}
        onChoose={onChoose}
      />
      <TieList ties={ties} onChoose={onChoose} />
    </>
  )
}
