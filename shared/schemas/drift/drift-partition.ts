/**
 * Decides which relations of a snapshot are partitions. A partition is listed with its table; it is listed separately
 * only if a foreign key refers to it or the role cannot see its table.
 *
 * Only the walk and the rules of drift use this.
 */
import { type Node, nameOf, nodesIn } from '#shared/schemas/snapshot-parts.ts'

const NAME = /^(?:"((?:[^"]|"")+)"|([^".]+))\.(?:"((?:[^"]|"")+)"|([^".]+))$/

/** The key of a relation in `partitionKeys`. */
export function relationKey(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}

/** Returns the keys of all relations that the tables of a snapshot list as partitions. */
export function partitionKeys(snapshot: Node): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const schema of nodesIn(snapshot, 'schemas')) {
    for (const relation of nodesIn(schema, 'relations')) {
      for (const partition of nodesIn(relation, 'partitions')) {
        const [, schemaQuoted, schemaPlain, quoted, plain] = NAME.exec(nameOf(partition)) ?? []
        keys.add(relationKey(unquoted(schemaQuoted) ?? schemaPlain ?? '', unquoted(quoted) ?? plain ?? ''))
      }
    }
  }
  return keys
}

function unquoted(name: string | undefined): string | undefined {
  return name?.replaceAll('""', '"')
}
