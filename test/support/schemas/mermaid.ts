/**
 * Mermaid's own parser, from its build for pages: a script
 * that defines one global. Nothing is drawn here.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { runInThisContext } from 'node:vm'

/** A box of a diagram. */
export interface Entity {
  readonly label: string
  readonly attributes: readonly { readonly name: string; readonly type: string; readonly keys?: readonly string[] }[]
}

/** A line of a diagram. */
export interface Relationship {
  readonly entityA: string
  readonly entityB: string
  readonly relSpec: { readonly cardA: string; readonly cardB: string }
}

interface Mermaid {
  parse(text: string): Promise<{ readonly diagramType: string }>
  readonly mermaidAPI: {
    getDiagramFromText(text: string): Promise<{
      readonly db: { getEntities(): Map<string, Entity>; getRelationships(): Relationship[] }
    }>
  }
}

const require = createRequire(import.meta.url)

function loadMermaid(): Mermaid {
  const path = require.resolve('@mermaid-js/tiny')
  runInThisContext(readFileSync(path, 'utf8'), { filename: path })
  // Sound: its build defines this name.
  return (globalThis as unknown as { readonly mermaid: Mermaid }).mermaid
}

let loaded: Mermaid | null = null

/**
 * Parses an entity-relationship diagram. Rejects a text that Mermaid does not accept, and any other kind of diagram.
 */
export async function readDiagram(text: string): Promise<{ entities: Entity[]; relationships: Relationship[] }> {
  loaded ??= loadMermaid()
  // Parsing registers the kinds of diagrams.
  const { diagramType } = await loaded.parse(text)
  if (diagramType !== 'er') throw new Error(`a diagram of another sort: ${diagramType}`)
  const { db } = await loaded.mermaidAPI.getDiagramFromText(text)
  return { entities: [...db.getEntities().values()], relationships: db.getRelationships() }
}
