/**
 * Draws tables and foreign keys with React Flow. It moves and zooms; nothing in it can be changed. A table is reached by the keyboard, and
 * Enter, as a click, shows it with its neighbours. The styles are files: the page's policy forbids others.
 */
import '@xyflow/react/dist/base.css'
import {
  type AriaLabelConfig,
  Background,
  Controls,
  type Edge,
  MarkerType,
  ReactFlow,
  useReactFlow,
  useStore,
} from '@xyflow/react'
import { type KeyboardEvent, useEffect, useMemo } from 'react'
import '#client/console/styles/diagram.css'
import { quantity } from '#client/console/base/format.ts'
import type { Graph, TableBox } from './graph.ts'
import { heightOf, placesOf, TABLE_WIDTH } from './layout.ts'
import { TableNode, type TableNodeType } from './table-node.tsx'

const KINDS = { table: TableNode }
const FIT = { padding: 0.08, maxZoom: 1, minZoom: 0.1 }
/** On a telephone a whole schema would be too small to read: a part of it is shown, and moved. */
const FIT_NARROW = { ...FIT, minZoom: 0.55 }
const NARROW = 560

const WORDS: Partial<AriaLabelConfig> = {
  'node.a11yDescription.default': 'Press enter to see this table with its neighbours.',
  'node.a11yDescription.keyboardDisabled': 'Press enter to see this table with its neighbours.',
  'edge.a11yDescription.default': 'A foreign key.',
}

interface CanvasProps {
  readonly graph: Graph
  /** The table whose neighbours are shown; null for a schema. */
  readonly chosen: string | null
  readonly onChoose: (table: string) => void
}

/** The diagram. Its key is its graph's: another one is fitted to its place anew. */
export function Canvas({ graph, chosen, onChoose }: CanvasProps) {
  const nodes = useMemo(() => nodesOf(graph, chosen), [graph, chosen])
  const edges = useMemo(() => edgesOf(graph, chosen), [graph, chosen])
  const follow = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.target instanceof HTMLElement)) return
    const key = event.target.closest<HTMLElement>('.react-flow__node')?.dataset['id']
    if (key !== undefined) onChoose(key)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the tables inside have the focus
    <div className="diagram" onKeyDown={follow}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={KINDS}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        nodesFocusable
        deleteKeyCode={null}
        minZoom={0.1}
        maxZoom={1.5}
        zoomOnScroll={false}
        preventScrolling={false}
        panOnScroll={false}
        ariaLabelConfig={WORDS}
        onNodeClick={(_, { id }) => onChoose(id)}
      >
        <Background gap={20} />
        <Controls showInteractive={false} fitViewOptions={FIT} />
        <Fitted />
      </ReactFlow>
    </div>
  )
}

/** Fits the diagram into its place, and anew when that gets another width. */
function Fitted() {
  const width = useStore(state => state.width)
  const { fitView } = useReactFlow()
  useEffect(() => {
    if (width > 0) void fitView(width < NARROW ? FIT_NARROW : FIT)
  }, [width, fitView])
  return null
}

function nodesOf(graph: Graph, chosen: string | null): TableNodeType[] {
  const places = placesOf(graph)
  const home = graph.tables.find(({ key }) => key === chosen)?.schema ?? graph.tables[0]?.schema
  return graph.tables.map(table => ({
    id: table.key,
    type: 'table',
    position: places.get(table.key) ?? { x: 0, y: 0 },
    width: TABLE_WIDTH,
    height: heightOf(table),
    ariaLabel: nameOf(table),
    data: { table, isChosen: table.key === chosen, isForeign: table.schema !== home },
  }))
}

function nameOf({ schema, name, columns, more }: TableBox): string {
  return `${schema}.${name}, ${quantity(columns.length + more, 'column')}`
}

function edgesOf({ ties }: Graph, chosen: string | null): Edge[] {
  return ties.map(({ key, from, to, columns }) => ({
    id: key,
    source: from,
    target: to,
    sourceHandle: columns[0] ?? null,
    type: 'smoothstep',
    className: from === chosen || to === chosen ? 'tie near' : 'tie',
    markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16 },
  }))
}
