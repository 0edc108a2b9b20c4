/**
 * Makes the target equal to the source, batch by batch: both servers hash each row, and only rows whose hashes differ travel. So a copy
 * that was cut off goes on, and one that is whole is proven by the same reading. Memory is bounded by a batch.
 */
import type { Db } from '#server/store/tables/tables.ts'
import { type Hashed, hashesAfter, hashesOf, readLines, removeOf, type TablePart, writeLines } from './move-rows.ts'

/** Rows of a batch, and bytes of rows that travel at once. */
const ROWS = 500
const BYTES = 4 << 20

/** Both ends. */
export interface Ends {
  readonly source: Db
  readonly target: Db
  /** Told after each batch how many rows were compared. */
  readonly onRows: (count: number) => void
}

/** Copies what the target lacks or has otherwise; answers how many rows those were. */
export async function copyPart(ends: Ends, part: TablePart): Promise<number> {
  if (part.isBare || part.shape.refersToItself === undefined) return copyRows(ends, part)
  const bare = await copyRows({ ...ends, onRows: () => undefined }, { ...part, isBare: true })
  return bare + (await copyRows(ends, part))
}

async function copyRows({ source, target, onRows }: Ends, part: TablePart): Promise<number> {
  let after: readonly string[] | null = null
  let copied = 0
  for (;;) {
    const batch: Hashed[] = await hashesAfter(source, part, { after, limit: ROWS })
    if (batch.length === 0) return copied
    const there = await hashesOf(target, part, keysOf(batch))
    const found = new Map(there.map(row => [nameOf(row), row.hash]))
    const lacking = batch.filter(row => found.get(nameOf(row)) !== row.hash)
    for (const some of inBytes(lacking)) await writeLines(target, part, await readLines(source, part, keysOf(some)))
    copied += lacking.length
    onRows(batch.length)
    after = batch.at(-1)?.key ?? null
    if (batch.length < ROWS || part.shape.key.length === 0) return copied
  }
}

/** Removes from the target what the source has no more, as retention may have left it; answers how many rows those were. */
export async function removeExtra({ source, target }: Ends, part: TablePart): Promise<number> {
  let after: readonly string[] | null = null
  let removed = 0
  for (;;) {
    const batch: Hashed[] = await hashesAfter(target, part, { after, limit: ROWS })
    if (batch.length === 0) return removed
    const there = new Set((await hashesOf(source, part, keysOf(batch))).map(nameOf))
    const extra = batch.filter(row => !there.has(nameOf(row)))
    if (extra.length > 0) await removeOf(target, part, keysOf(extra))
    removed += extra.length
    after = batch.at(-1)?.key ?? null
    if (batch.length < ROWS || part.shape.key.length === 0) return removed
  }
}

function keysOf(rows: readonly Hashed[]): (readonly string[])[] {
  return rows.map(row => row.key)
}

function nameOf({ key }: Hashed): string {
  return JSON.stringify(key)
}

/** Groups of rows that travel together; a row that is larger than all of them may be goes alone. */
function inBytes(rows: readonly Hashed[]): Hashed[][] {
  const groups: Hashed[][] = []
  let bytes = BYTES
  for (const row of rows) {
    if (bytes + row.bytes > BYTES) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)?.push(row)
    bytes += row.bytes
  }
  return groups
}
