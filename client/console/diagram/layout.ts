/**
 * The places of tables: those that refer to others on the left of these. Sizes are those of `diagram.css`, so that nothing has to be
 * measured first. Called by `canvas.tsx`, which is loaded when a diagram is shown.
 */
import { Graph as Layers, layout } from '@dagrejs/dagre'
import type { Graph, TableBox } from './graph.ts'

/** A place in pixels, of the upper left corner. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** The width of a table, in pixels. */
export const TABLE_WIDTH = 240
const HEAD = 34
const LINE = 24
const FOOT = 6

/** The height of a table, in pixels. */
export function heightOf({ columns, more }: TableBox): number {
  return HEAD + LINE * (columns.length + (more > 0 ? 1 : 0)) + FOOT
}

/** The place of each table, by its key. */
export function placesOf({ tables, ties }: Graph): ReadonlyMap<string, Point> {
  const layers = new Layers({ multigraph: true })
  layers.setGraph({ rankdir: 'LR', ranksep: 90, nodesep: 28, edgesep: 12 })
  layers.setDefaultEdgeLabel(() => ({}))
  for (const table of tables) layers.setNode(table.key, { width: TABLE_WIDTH, height: heightOf(table) })
  // A table that refers to itself says nothing of its place.
  for (const { from, to, key } of ties) if (from !== to) layers.setEdge(from, to, {}, key)
  layout(layers)
  return new Map(
    tables.map(table => {
      const { x = 0, y = 0 } = layers.node(table.key)
      return [table.key, { x: x - TABLE_WIDTH / 2, y: y - heightOf(table) / 2 }]
    }),
  )
}
