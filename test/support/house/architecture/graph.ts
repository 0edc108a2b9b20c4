/**
 * Properties over any number of imports: cycles, and the files that an entry reaches.
 *
 * Types count here too. `import type` is erased before the program runs, so that it cannot carry a secret; but the web
 * tier needs no name of a forbidden thing, and following it prevents the first step.
 */
import { importsOf } from './imports.ts'
import { isTest, type Source, type Violation } from './source.ts'

type Graph = ReadonlyMap<string, readonly string[]>

/** Entry → what it must never reach: prefixes of paths, `node:` modules and packages. */
const WALLS: Readonly<Record<string, readonly string[]>> = {
  // Wall 2: a process that faces the internet can neither open a credential nor dial.
  'server/web.ts': [
    'server/seal/unsealer.ts',
    'server/seal/fingerprinter.ts',
    'server/seal/held-key.ts',
    'server/net/',
    'server/work/',
    'server/wiring-worker.ts',
  ],
  // Browsers bundle it.
  'client/index.ts': ['client/node.ts', 'node:', 'pg', 'server/seal/', 'server/net/', 'server/store/'],
}

/** Reports import cycles, each once. */
export function checkCycles(sources: readonly Source[]): Violation[] {
  const graph = graphOf(sources.filter(source => !isTest(source.path)))
  const seen = new Set<string>()
  return [...graph.keys()].flatMap(from => {
    const path = (graph.get(from) ?? []).map(next => pathTo(graph, next, at => at === from)).find(one => one !== null)
    if (path === undefined || path === null) return []
    const members = [...path].sort().join(' ')
    if (seen.has(members)) return []
    seen.add(members)
    return [{ file: from, line: 1, rule: 'cycle', detail: [from, ...path].join(' → ') }]
  })
}

/** Reports each forbidden file that an entry reaches, with a path of imports to it. */
export function checkWalls(sources: readonly Source[]): Violation[] {
  const graph = graphOf(sources)
  return Object.entries(WALLS).flatMap(([entry, forbidden]) =>
    forbidden.flatMap(place => {
      const path = pathTo(graph, entry, at => (/[/:]$/.test(place) ? at.startsWith(place) : at === place))
      return path === null ? [] : [{ file: entry, line: 1, rule: 'wall', detail: path.join(' → ') }]
    }),
  )
}

/** Every file that is reachable from another by imports that exist at run time. */
export function reachedFrom(start: string, sources: readonly Source[]): ReadonlySet<string> {
  const edges = sources.map(source => {
    const kept = importsOf(source).filter(({ typeOnly }) => !typeOnly)
    return [
      source.path,
      kept.map(({ target }) => (target.kind === 'builtin' ? `node:${target.name}` : target.name)),
    ] as const
  })
  const graph: Graph = new Map(edges)
  const reached = new Set([start])
  for (const at of reached) for (const next of graph.get(at) ?? []) reached.add(next)
  return reached
}

function graphOf(sources: readonly Source[]): Graph {
  // The client takes only the router's types from the server; nothing behind them is reached.
  const hidden = (from: string, to: string): boolean => from.startsWith('client/') && to.startsWith('server/')
  const edges = sources.map(source => {
    const names = importsOf(source).map(({ target, typeOnly }) => {
      const name = target.kind === 'builtin' ? `node:${target.name}` : target.name
      return typeOnly && hidden(source.path, name) ? [] : [name]
    })
    return [source.path, names.flat()] as const
  })
  return new Map(edges)
}

/** The shortest path from `start` to a node that `isGoal`, both ends included; null if there is none. */
function pathTo(graph: Graph, start: string, isGoal: (at: string) => boolean): string[] | null {
  const ways: string[][] = [[start]]
  const seen = new Set([start])
  for (const way of ways) {
    const at = way.at(-1) ?? start
    if (isGoal(at)) return way
    for (const next of graph.get(at) ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  }
  return null
}
