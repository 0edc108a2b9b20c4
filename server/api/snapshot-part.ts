/**
 * The part of a stored snapshot that was asked for: one schema, or one table of it. It imports nothing: a thread that is
 * started for each reading loads it.
 */

/** What a thread is handed: packed bytes as the row holds them, and what to take of them. */
export interface StoredPart {
  readonly content: Uint8Array
  readonly observed: Uint8Array
  readonly ask: Ask
  /** Of the part as JSON; beyond it only its size is told. */
  readonly maxBytes: number
  readonly maxUnpackedBytes: number
}

/** One schema, or one table; both left out for the whole. */
export interface Ask {
  readonly schema?: string | undefined
  readonly table?: string | undefined
}

interface Named {
  readonly name?: unknown
  readonly relations?: readonly Named[]
}

/** The snapshot narrowed to what was asked for. What is not there leaves nothing. */
export function partOf(content: object, observed: object, { schema, table }: Ask): object {
  const all: unknown = Reflect.get(content, 'schemas')
  // Sound: a worker of ours wrote it in this shape, and the answer is parsed with its schema.
  const schemas = (Array.isArray(all) ? all : []) as Named[]
  const asked = schemas.filter(one => schema === undefined || one.name === schema)
  const narrow =
    table === undefined
      ? asked
      : asked.map(one => ({ ...one, relations: (one.relations ?? []).filter(relation => relation.name === table) }))
  return { ...content, observed, schemas: narrow }
}
