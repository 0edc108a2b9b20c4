/**
 * Draws tables and foreign keys with React Flow. It can be moved and zoomed but not edited. Tables can be focused by
 * keyboard; Enter, like a click, shows a table with its neighbours. Styles are files, because the page's policy forbids
 * anything else.
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
/** On a phone a whole schema would be too small to read, so only a part of it is visible and can be moved. */
const FIT_NARROW = { ...FIT, minZoom: 0.55 }
const NARROW = 560

const WORDS: Partial<AriaLabelConfig> = {
  'node.a11yDescription.default': 'Press enter to see this table with its neighbours.',
  'node.a11yDescription.keyboardDisabled': 'Press enter to see this table with its neighbours.',
  'edge.a11yDescription.default': 'A foreign key.',
}

interface CanvasProps {
  readonly graph: Graph
  /** The table whose neighbours are shown; null for a whole schema. */
  readonly chosen: string | null
  readonly onChoose: (table: string) => void
}

/** The diagram. Its React key is that of its graph, so another graph is fitted again. */
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

/** Fits the diagram into its place, and fits it again when the width changes. */
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
