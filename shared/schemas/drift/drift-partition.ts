/**
 * Which relations are partitions in a snapshot: one is listed with its table, and by itself only where a foreign key refers to
 * it or the role does not see its table.
 *
 * Only the walk and the rules of drift use it.
 */
import { type Node, nameOf, nodesIn } from '#shared/schemas/snapshot-parts.ts'

const NAME = /^(?:"((?:[^"]|"")+)"|([^".]+))\.(?:"((?:[^"]|"")+)"|([^".]+))$/

/** The key of a relation in `partitionKeys`. */
export function relationKey(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}

/** The keys of all that the tables of a snapshot list as their partitions. */
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
