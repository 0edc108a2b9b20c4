/**
 * Makes the target equal to the source, batch by batch: both servers hash each row, and only rows with different hashes
 * travel. An interrupted copy therefore resumes, and the same pass proves a complete one. A batch bounds the memory.
 */
import type { Db } from '#server/store/tables/tables.ts'
import { type Hashed, hashesAfter, hashesOf, readLines, removeOf, type TablePart, writeLines } from './move-rows.ts'

/** The rows in a batch, and the bytes of rows in one transfer. */
const ROWS = 500
const BYTES = 4 << 20

/** The two databases of a move. */
export interface Ends {
  readonly source: Db
  readonly target: Db
  /** Called after each batch with the number of rows compared. */
  readonly onRows: (count: number) => void
}

/** Copies the rows that the target lacks or has in another version; returns their number. */
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

/**
 * Deletes from the target the rows that the source no longer has, for example after retention; returns their number.
 */
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

/** Groups rows for transfer; a row larger than the group limit travels alone. */
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
