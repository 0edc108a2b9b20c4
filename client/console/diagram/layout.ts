/**
 * Computes the positions of tables: a table is placed to the left of the tables that it refers to. The sizes are those
 * of `diagram.css`, so nothing needs to be measured first. Called by `canvas.tsx`, which is loaded when a diagram is
 * shown.
 */
import { Graph as Layers, layout } from '@dagrejs/dagre'
import type { Graph, TableBox } from './graph.ts'

/** The position of the upper left corner, in pixels. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** The width of a table, in pixels. */
export const TABLE_WIDTH = 240
const HEAD = 34
const LINE = 24
const FOOT = 6

/** Returns the height of a table, in pixels. */
export function heightOf({ columns, more }: TableBox): number {
  return HEAD + LINE * (columns.length + (more > 0 ? 1 : 0)) + FOOT
}

/** Returns the position of each table, by its key. */
export function placesOf({ tables, ties }: Graph): ReadonlyMap<string, Point> {
  const layers = new Layers({ multigraph: true })
  layers.setGraph({ rankdir: 'LR', ranksep: 90, nodesep: 28, edgesep: 12 })
  layers.setDefaultEdgeLabel(() => ({}))
  for (const table of tables) layers.setNode(table.key, { width: TABLE_WIDTH, height: heightOf(table) })
  // A table that refers to itself does not affect the layout.
  for (const { from, to, key } of ties) if (from !== to) layers.setEdge(from, to, {}, key)
  layout(layers)
  return new Map(
    tables.map(table => {
      const { x = 0, y = 0 } = layers.node(table.key)
      return [table.key, { x: x - TABLE_WIDTH / 2, y: y - heightOf(table) / 2 }]
    }),
  )
}
