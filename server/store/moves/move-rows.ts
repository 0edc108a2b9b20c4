/**
 * Rows of an organization in transit: the text of each whole row, which both servers write and read identically, and a
 * hash of that text, which each server computes itself. Operators' commands call it, on connections of the owners.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import type { CopiedColumn, Shape } from './move-shapes.ts'

/** The rows of one organization in one table. `isBare` leaves out the columns that refer to other rows of the table. */
export interface TablePart {
  readonly shape: Shape
  readonly org: string
  readonly isBare: boolean
}

/** A row's key as text, the hash of the row and the length of its text in bytes. */
export interface Hashed {
  readonly key: readonly string[]
  readonly hash: string
  readonly bytes: number
}

function orgColumn({ name }: Shape) {
  return sql.ref(name === 'organizations' ? 't.id' : 't.org_id')
}

function isCopied({ shape, isBare }: TablePart, { name, isOwn }: CopiedColumn): boolean {
  return !isOwn && shape.left?.[name] === undefined && !(isBare && shape.refersToItself === name)
}

/** The text of a row `t`; columns that are not copied are null in it. */
function line(part: TablePart): RawBuilder<string> {
  const values = part.shape.columns.map(column =>
    isCopied(part, column) ? sql.ref(`t.${column.name}`) : sql`null::${sql.raw(column.type)}`,
  )
  return sql`(row(${sql.join(values)})::${sql.table(part.shape.name)})::text`
}

function where({ shape, org }: TablePart): RawBuilder<boolean> {
  return sql<boolean>`${orgColumn(shape)} = ${org}::uuid and (${sql.raw(shape.where ?? 'true')})`
}

function keyColumns({ shape }: TablePart): RawBuilder<unknown> {
  return sql.join(shape.key.map(name => sql.ref(`t.${name}`)))
}

function typeOf({ shape }: TablePart, name: string): RawBuilder<unknown> {
  return sql.raw(shape.columns.find(column => column.name === name)?.type ?? 'text')
}

const HASHED = sql`encode(sha256(convert_to(line, 'UTF8')), 'hex') as hash, octet_length(line) as bytes`

function keyTexts({ shape }: TablePart): RawBuilder<unknown> {
  return shape.key.length === 0
    ? sql`'{}'::text[] as key`
    : sql`array[${sql.join(shape.key.map(name => sql`t.${sql.ref(name)}::text`))}] as key`
}

/** The next rows after a key, in key order; null starts at the beginning. */
export async function hashesAfter(
  session: Db,
  part: TablePart,
  { after, limit }: { after: readonly string[] | null; limit: number },
): Promise<Hashed[]> {
  const places = part.shape.key.map((name, at) => sql`${after?.[at] ?? null}::${typeOf(part, name)}`)
  const isBehind = after === null ? sql`true` : sql`(${keyColumns(part)}) > (${sql.join(places)})`
  const order = part.shape.key.length === 0 ? sql`` : sql`order by ${keyColumns(part)}`
  const { rows } = await sql<Hashed>`
    select key, ${HASHED} from (
      select ${keyTexts(part)}, ${line(part)} as line from ${sql.table(part.shape.name)} t
      where ${where(part)} and ${isBehind} ${order} limit ${limit}) as rows
  `.execute(session)
  return rows
}

function isOneOf(part: TablePart, keys: readonly (readonly string[])[]): RawBuilder<boolean> {
  if (part.shape.key.length === 0) return sql<boolean>`true`
  const arrays = part.shape.key.map((name, at) => sql`${keys.map(key => key[at])}::${typeOf(part, name)}[]`)
  return sql<boolean>`(${keyColumns(part)}) in (select * from unnest(${sql.join(arrays)}))`
}

/**
 * The `columns` of the existing rows with these keys, looked up one by one in the index, whatever the planner's
 * statistics say.
 */
function lookedUp(
  part: TablePart,
  keys: readonly (readonly string[])[],
  columns: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const { key, name } = part.shape
  const from = sql`select ${columns} from ${sql.table(name)} t where ${where(part)}`
  if (key.length === 0) return sql`(${from}) as found`
  const arrays = key.map((column, at) => sql`${keys.map(one => one[at])}::${typeOf(part, column)}[]`)
  // Names that no table has.
  const names = key.map((_, at) => sql.ref(`wanted_${at}`))
  const isIt = key.map((column, at) => sql`t.${sql.ref(column)} = wanted.${sql.ref(`wanted_${at}`)}`)
  return sql`unnest(${sql.join(arrays)}) as wanted (${sql.join(names)})
    cross join lateral (${from} and ${sql.join(isIt, sql` and `)} offset 0) as found`
}

/** The hashes of the existing rows with these keys. */
export async function hashesOf(session: Db, part: TablePart, keys: readonly (readonly string[])[]): Promise<Hashed[]> {
  const found = lookedUp(part, keys, sql`${keyTexts(part)}, ${line(part)} as line`)
  const { rows } = await sql<Hashed>`select key, ${HASHED} from ${found}`.execute(session)
  return rows
}

/** The texts of the existing rows with these keys. */
export async function readLines(session: Db, part: TablePart, keys: readonly (readonly string[])[]): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select line from ${lookedUp(part, keys, sql`${line(part)} as line`)}`.execute(session)
  return rows.map(row => row.line)
}

/** Writes rows from their texts; each replaces the row with the same key. */
export async function writeLines(session: Db, part: TablePart, lines: readonly string[]): Promise<void> {
  const { shape } = part
  const names = shape.columns.filter(column => isCopied(part, column)).map(column => column.name)
  const keys = [shape.name === 'organizations' ? 'id' : 'org_id', ...shape.key]
  const changed = names
    .filter(name => !keys.includes(name))
    .map(name => sql`${sql.ref(name)} = excluded.${sql.ref(name)}`)
  const conflict =
    shape.conflict === undefined ? sql`(${sql.join(keys.map(key => sql.ref(key)))})` : sql.raw(shape.conflict)
  await sql`
    insert into ${sql.table(shape.name)} (${sql.join(names.map(name => sql.ref(name)))})
    select ${sql.join(names.map(name => sql`(arrived.whole).${sql.ref(name)}`))}
    from (select line::${sql.table(shape.name)} as whole from unnest(${[...lines]}::text[]) as line offset 0) as arrived
    on conflict ${conflict} ${changed.length === 0 ? sql`do nothing` : sql`do update set ${sql.join(changed)}`}
  `.execute(session)
}

/** The number of rows in a part. */
export async function countRows(session: Db, part: TablePart): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from ${sql.table(part.shape.name)} t where ${where(part)}
  `.execute(session)
  return rows[0]?.count ?? 0
}

/** Deletes the rows with these keys. */
export async function removeOf(session: Db, part: TablePart, keys: readonly (readonly string[])[]): Promise<void> {
  await sql`delete from ${sql.table(part.shape.name)} t where ${where(part)} and ${isOneOf(part, keys)}`.execute(
    session,
  )
}

/** Deletes a batch of any rows of an organization; true if more may remain. */
export async function removeBatch(
  session: Db,
  { shape, org }: Omit<TablePart, 'isBare'>,
  limit: number,
): Promise<boolean> {
  const part = { shape: { ...shape, where: 'true' }, org, isBare: false }
  // Newest first: a row is deleted before the rows that it refers to.
  const order = shape.key.map(name => sql`t.${sql.ref(name)} desc`)
  const some =
    shape.key.length === 0
      ? sql`true`
      : sql`(${keyColumns(part)}) in (
          select ${keyColumns(part)} from ${sql.table(shape.name)} t where ${where(part)} order by ${sql.join(order)} limit ${limit})`
  const { numAffectedRows } =
    await sql`delete from ${sql.table(shape.name)} t where ${where(part)} and ${some}`.execute(session)
  return shape.key.length > 0 && Number(numAffectedRows ?? 0n) >= limit
}
