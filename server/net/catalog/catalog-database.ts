/**
 * Converts rows of the catalog query about types, functions, publications and servers to their form in a snapshot.
 *
 * It makes no judgements. Only the catalog reader uses it.
 */

import type { WireObject } from '#server/net/catalog/wire/catalog-shapes.ts'
import type { Composite, Other, Publication, Range, Routine, Server } from '#shared/schemas/snapshot-object.ts'

type ObjectOf<K extends WireObject['k']> = Extract<WireObject, { k: K }>

const KINDS = { f: 'function', p: 'procedure', a: 'aggregate', w: 'window' } as const
const PARALLEL = { s: 'safe', r: 'restricted', u: undefined } as const
const VOLATILITIES = { i: 'immutable', s: 'stable', v: undefined } as const

/** An object with the one property, or an empty object if there is no text. */
function withText<K extends string>(key: K, value: string | null | undefined): { [name in K]?: string } {
  // Sound: TypeScript widens a computed key to string, and this one is the requested key.
  return (value === null || value === undefined ? {} : { [key]: value }) as { [name in K]?: string }
}

/** A composite type. */
export function compositeOf(wire: ObjectOf<'composite'>): Composite {
  const attributes = (wire.attributes ?? []).map(({ name, type, collation }) => ({
    ...{ name, type },
    ...withText('collation', collation),
  }))
  return { name: wire.name, attributes, ...withText('comment', wire.comment) }
}

/** A range type. */
export function rangeOf(wire: ObjectOf<'range'>): Range {
  return {
    ...{ name: wire.name, type: wire.type },
    ...withText('collation', wire.collation),
    ...withText('class', wire.class),
    ...withText('canonical', wire.canonical === '' ? null : wire.canonical),
    ...withText('difference', wire.difference === '' ? null : wire.difference),
    ...withText('multirange', wire.multirange),
    ...withText('comment', wire.comment),
  }
}

/** A function's signature. */
export function routineOf(wire: ObjectOf<'function'>): Routine {
  const routine: Routine = {
    name: `${wire.name}(${wire.identity})`,
    kind: KINDS[wire.kind],
    arguments: wire.arguments,
    language: wire.language,
    hash: wire.body,
    ...withText('result', wire.result),
    ...withText('searchPath', wire.path),
    ...withText('comment', wire.comment),
  }
  const volatility = VOLATILITIES[wire.volatility]
  if (volatility !== undefined) routine.volatility = volatility
  const parallel = PARALLEL[wire.parallel]
  if (parallel !== undefined) routine.parallel = parallel
  if (wire.leakproof) routine.leakproof = true
  if (wire.set !== null) routine.settings = wire.set
  if (wire.definer) routine.securityDefiner = true
  if (wire.strict) routine.strict = true
  if (!wire.may) routine.denied = true
  return routine
}

/** A publication. */
export function publicationOf(wire: ObjectOf<'publication'>): Publication {
  const operations = (['insert', 'update', 'delete', 'truncate'] as const).filter(operation => wire[operation])
  const publication: Publication = { name: wire.name, operations }
  if (wire.all) publication.allTables = true
  if (wire.root) publication.viaRoot = true
  if (wire.generated) publication.generated = true
  if (wire.schemas !== null && wire.schemas.length > 0) publication.schemas = wire.schemas
  return publication
}

/** An object of a kind that snapshots do not model. */
export function otherOf({ name, definition, hash }: ObjectOf<'other'>): Other {
  return { name, ...withText('definition', definition), ...withText('hash', hash) }
}

/** A foreign server. */
export function serverOf(wire: ObjectOf<'server'>): Server {
  const server: Server = { name: wire.name, wrapper: wire.wrapper, ...withText('extension', wire.extension) }
  if (wire.handled) server.handled = true
  return server
}
