/**
 * The columns of a relation while its catalog is read: those that the role may see, with what later rows tell of them.
 *
 * It judges nothing. Only the catalog's relations use it.
 */
import type { WirePart, WireTrait } from '#server/net/catalog/wire/catalog-shapes.ts'
import type { WrittenParts } from '#shared/schemas/snapshot-canonical.ts'
import type { Column, Relation } from '#shared/schemas/snapshot-relation.ts'
import type { NamedTrait } from './catalog-named.ts'
import { permissionsOf } from './catalog-object.ts'
import { misbehaved } from './catalog-wire.ts'

/** A relation while it is read. */
export interface RelationDraft {
  readonly schema: string
  readonly relation: Relation
  /** The privileges on the whole relation, as letters. */
  readonly may: string
  readonly partly: boolean
  /** By PostgreSQL's number of it; holes where one was dropped. */
  readonly columns: Column[]
  /** True once its columns are known. */
  described: boolean
  /** Columns that are computed; null for none. */
  generated: Set<number> | null
  /** One copy of each spelling of a type in its schema: a schema has few, and a hundred thousand columns. */
  readonly spellings: Map<string, string>
  /** Comments of its constraints and indexes, by name; null for none. */
  named: NamedTrait[] | null
  readonly written: WrittenParts
}

/** Adds the columns. Throws the fault `server_misbehaved` for a second time. */
export function addColumns(draft: RelationDraft, part: Extract<WirePart, { k: 'columns' }>): void {
  const { numbers, names, types, flags, collations, may } = part
  const { spellings } = draft
  if (draft.described) throw misbehaved('the columns of a relation twice')
  draft.described = true
  for (let at = 0; at < (numbers?.length ?? 0); at++) {
    const number = numbers?.[at] ?? 0
    if (number < 1 || draft.columns[number] !== undefined) throw misbehaved('a column number twice, or of no column')
    const type = types?.[at] ?? ''
    let spelled = spellings.get(type)
    if (spelled === undefined) {
      spelled = type
      spellings.set(type, type)
    }
    const [name, flag] = [names?.[at] ?? '', flags?.[at] ?? '']
    // In the order in which they are written.
    const column: Column = flag.startsWith('n') ? { name, notNull: true, type: spelled } : { name, type: spelled }
    if (flag !== '' && flag !== 'n') addFlags(draft, { number, column }, flag)
    const collation = collations?.[number]
    if (collation !== undefined) column.collation = collation
    if (may !== null) addGrants(column, may[number], draft.may)
    draft.relation.columns.push(column)
    draft.columns[number] = column
  }
}

function addGrants(column: Column, letters: string | undefined, ofAll: string): void {
  const granted = permissionsOf(letters ?? '', ofAll)
  if (granted.length > 0) column.may = granted
}

function addFlags(draft: RelationDraft, { number, column }: { number: number; column: Column }, flags: string): void {
  for (const flag of flags) {
    if (flag === 'n') column.notNull = true
    else if (flag === 'a') column.identity = 'always'
    else if (flag === 'd') column.identity = 'by_default'
    else {
      draft.generated ??= new Set()
      draft.generated.add(number)
    }
    if (flag === 'v') column.virtual = true
  }
}

/** A default, or what a generated column is computed by. It vanished while it was read when it is null. */
export function addExpression(draft: RelationDraft, number: number, text: string | null): void {
  const column = draft.columns[number]
  if (!column || text === null) return
  if (draft.generated?.has(number) === true) column.generated = text
  else column.default = text
}

/** The server has these columns as not null, and does not keep that for every row that is read. */
export function addWeak({ columns }: RelationDraft, part: Extract<WireTrait, { k: 'weak' }>): void {
  for (const number of part.unvalidated ?? []) {
    const column = columns[number]
    if (column === undefined) continue
    delete column.notNull
    column.notNullUnvalidated = true
  }
  for (const number of part.below ?? []) {
    const column = columns[number]
    if (column !== undefined) column.nullBelow = true
  }
}

/** True when the role may see all columns of these numbers. */
export function isSeen(draft: RelationDraft, numbers: readonly number[] | null): boolean {
  return !draft.partly || (numbers ?? []).every(number => draft.columns[number] !== undefined)
}

/** An expression, whose number is 0, has no name; it is in the definition. */
export function namesOf(draft: RelationDraft, numbers: readonly number[] | null): string[] {
  const names: string[] = []
  for (const number of numbers ?? []) {
    const column = draft.columns[number]
    if (column !== undefined) names.push(column.name)
  }
  return names
}
