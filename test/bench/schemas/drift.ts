/**
 * The cost of a comparison: two stored snapshots of 10,000 tables × 10 columns, with one differing column in every
 * hundredth table, read and compared, ÷ `JSON.parse` of both texts, alternating. A row of `npm run bench`.
 */

import { drift } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { printResults } from '#test/bench/support/results.ts'
import { median } from '#test/bench/table/row.ts'
import { snapshot } from '#test/support/schemas/snapshots.ts'

const TABLES = 10_000
const WARM_UP = 3
const ROUNDS = 9
const TYPES = ['bigint', 'integer', 'text', 'numeric(12,2)', 'boolean', 'timestamp with time zone', 'jsonb', 'uuid']

/** Returns the text of a snapshot. Each table has a key and an index. */
function textOf(isLater: boolean): string {
  const relations = Array.from({ length: TABLES }, (_, at) => {
    const columns = Array.from({ length: isLater && at % 100 === 0 ? 11 : 10 }, (__, column) => ({
      name: `column_${column}`,
      type: TYPES[column % TYPES.length],
      ...(column === 0 ? { notNull: true } : {}),
    }))
    return { name: `table_${String(at).padStart(5, '0')}`, kind: 'table', columns }
  })
  return JSON.stringify(snapshot({ schemas: [{ name: 'public', relations }] }))
}

function timed(work: () => void): number {
  const startedAtMs = performance.now()
  work()
  return performance.now() - startedAtMs
}

const [before, after] = [textOf(false), textOf(true)]
const parse = (): Snapshot[] => [JSON.parse(before), JSON.parse(after)]
const times = { ours: [] as number[], bare: [] as number[] }
for (let round = -WARM_UP; round < ROUNDS; round += 1) {
  const bare = timed(() => void parse())
  const ours = timed(() => {
    const [was, is] = parse()
    if (was === undefined || is === undefined) throw new Error('there are two')
    const { length } = drift(was, is)
    if (length !== TABLES / 100) throw new Error(`${length} changes were found`)
  })
  if (round < 0) continue
  times.bare.push(bare)
  times.ours.push(ours)
}
const [ours, limit] = [median(times.ours), median(times.bare)]
printResults([
  {
    work: 'drift of two snapshots of 10,000 tables, read and compared',
    ...{ ours, limit, ratio: ours / limit, target: 2, atMost: true, unit: 'ms' },
  },
])
