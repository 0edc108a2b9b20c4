/**
 * The columns of a relation while its catalog is being read: the visible ones, extended by later rows.
 *
 * It makes no judgements. Only the catalog's relations use it.
 */
import type { WirePart, WireTrait } from '#server/net/catalog/wire/catalog-shapes.ts'
import type { WrittenParts } from '#shared/schemas/snapshot-canonical.ts'
import type { Column, Relation } from '#shared/schemas/snapshot-relation.ts'
import type { NamedTrait } from './catalog-named.ts'
import { permissionsOf } from './catalog-object.ts'
import { misbehaved } from './catalog-wire.ts'

/** A relation while it is being read. */
export interface RelationDraft {
  readonly schema: string
  readonly relation: Relation
  /** The privileges on the whole relation, as letters. */
  readonly may: string
  readonly partly: boolean
  /** Indexed by PostgreSQL's column number, with holes for dropped columns. */
  readonly columns: Column[]
  /** True once its columns are known. */
  described: boolean
  /** The numbers of generated columns; null if there are none. */
  generated: Set<number> | null
  /** Interned type names of its schema: a schema has few types, but up to a hundred thousand columns. */
  readonly spellings: Map<string, string>
  /** Comments on its constraints and indexes, by name; null if there are none. */
  named: NamedTrait[] | null
  readonly written: WrittenParts
}

/** Adds the columns. Throws the fault `server_misbehaved` if they were already added. */
export function addColumns(draft: RelationDraft, part: Extract<WirePart, { k: 'columns' }>): void {
  const { numbers, names, types, flags, collations, may } = part
  const { spellings } = draft
  if (draft.described) throw misbehaved('the columns of a relation twice')
  draft.described = true
  for (let at = 0; at < (numbers?.length ?? 0); at++) {
    const number = numbers?.[at] ?? 0
    if (number < 1 || draft.columns[number] !== undefined) throw misbehaved('a column number twice, or of no column')
    const type = types?.[at] ?? ''
    let text = spellings.get(type)
    if (text === undefined) {
      text = type
      spellings.set(type, type)
    }
    const [name, flag] = [names?.[at] ?? '', flags?.[at] ?? '']
    // Keys are created in the order of canonical text.
    const column: Column = flag.startsWith('n') ? { name, notNull: true, type: text } : { name, type: text }
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

/** A default or a generation expression; null if it was dropped while it was read. */
export function addExpression(draft: RelationDraft, number: number, text: string | null): void {
  const column = draft.columns[number]
  if (!column || text === null) return
  if (draft.generated?.has(number) === true) column.generated = text
  else column.default = text
}

/** Columns that the server declares not null without guaranteeing it for every row that is read. */
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

/** True if the role may see all columns with these numbers. */
export function isSeen(draft: RelationDraft, numbers: readonly number[] | null): boolean {
  return !draft.partly || (numbers ?? []).every(number => draft.columns[number] !== undefined)
}

/** The names of the numbered columns. An expression, whose number is 0, has no name; it is in the definition. */
export function namesOf(draft: RelationDraft, numbers: readonly number[] | null): string[] {
  const names: string[] = []
  for (const number of numbers ?? []) {
    const column = draft.columns[number]
    if (column !== undefined) names.push(column.name)
  }
  return names
}
