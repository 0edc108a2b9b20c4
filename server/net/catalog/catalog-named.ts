/**
 * Adds properties that the catalog query reports by a part's name: comments, and parts inherited from another table.
 *
 * It makes no judgements. Only the catalog's relations use it.
 */
import type { WireTrait } from '#server/net/catalog/wire/catalog-shapes.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'

/** A row that refers to parts by their names. */
export type NamedTrait = Extract<WireTrait, { k: 'remark' | 'inherited' }>

/** Adds the named properties, once all parts of the relation exist. */
export function addNamed(relation: Relation, named: readonly NamedTrait[]): void {
  if (named.length === 0) return
  const byName = (list: readonly Named[] | undefined) => new Map(list?.map(it => [it.name, it]))
  const [constraints, indexes] = [byName(relation.constraints), byName(relation.indexes)]
  const [triggers, policies, rules] = [byName(relation.triggers), byName(relation.policies), byName(relation.rules)]
  const lists = { constraint: constraints, index: indexes, trigger: triggers, policy: policies, rule: rules }
  for (const part of named) {
    if (part.k === 'remark') {
      const about = lists[part.of].get(part.name)
      if (about !== undefined) about.comment = part.text
      continue
    }
    for (const name of part.constraints ?? []) markInherited(constraints.get(name))
    for (const name of part.indexes ?? []) markInherited(indexes.get(name))
  }
}

interface Named {
  readonly name: string
  comment?: string | undefined
  inherited?: true | undefined
}

function markInherited(about: { inherited?: true | undefined } | undefined): void {
  if (about !== undefined) about.inherited = true
}
