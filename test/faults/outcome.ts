/**
 * The result of a fault:
 * compares the database's rows with the acknowledged and delivered changes.
 */
import { query } from '#test/support/database/postgres.ts'
import type { Scene } from './scene.ts'

/** One row of the table. */
export interface Outcome {
  readonly fault: string
  readonly acknowledged: number
  readonly found: number
  readonly lost: number
  readonly twice: number
  readonly told: number
  readonly missed: number
  /** Null when the service did not recover in time. */
  readonly seconds: number | null
  readonly readiness: string
  /** Other defects, each in a sentence. */
  readonly wrong: readonly string[]
}

/** Counts. All writers have stopped. */
export async function countOutcome(
  scene: Scene,
  outcome: Pick<Outcome, 'fault' | 'seconds' | 'readiness' | 'wrong'>,
): Promise<Outcome> {
  const rows = await query(
    scene.rows.url,
    `select id::text as id, name, coalesce((metadata ->> 'rev')::int, 0) as rev from datasources
     where name like 'faults %' and deleted_at is null`,
  )
  const byName = Map.groupBy(rows, row => String(row['name']))
  const acknowledged = scene.load.written.filter(({ id }) => id !== null)
  const isFound = (one: (typeof acknowledged)[number]) =>
    byName.get(one.name)?.some(row => Number(row['rev']) >= one.updates) === true
  const found = acknowledged.filter(isFound).length
  const rowsTwice = [...byName.values()].filter(list => list.length > 1).length
  const { told: reported, missed } = deliveries(scene)
  const toldTwice = scene.watchers.reduce((sum, watcher) => sum + watcher.repeated(), 0)
  const lost = acknowledged.length - found
  return {
    ...outcome,
    acknowledged: acknowledged.length,
    found,
    lost,
    twice: rowsTwice + toldTwice,
    told: reported,
    missed,
  }
}

/** For every acknowledged change, whether each subscriber received it. */
export function deliveries({ load, watchers }: Pick<Scene, 'load' | 'watchers'>): { told: number; missed: number } {
  let [reported, missed] = [0, 0]
  for (const { heard: received } of watchers)
    for (const { id, updates } of load.written) {
      if (id === null) continue
      const known = received.get(id) ?? { registered: 0, updates: 0 }
      const is = Math.min(1, known.registered) + Math.min(updates, known.updates)
      reported += is
      missed += 1 + updates - is
    }
  return { told: reported, missed }
}

/** True when nothing was lost, duplicated or missed, and the service recovered. */
export function isGood({ lost, twice, missed, seconds, wrong }: Outcome): boolean {
  return lost === 0 && twice === 0 && missed === 0 && seconds !== null && wrong.length === 0
}

const COLUMNS = [
  'fault',
  'acknowledged',
  'found',
  'lost',
  'twice',
  'told',
  'missed',
  'seconds to service',
  'readiness meanwhile',
]

/** The head of the table, as Markdown. */
export function head(): string {
  return `| ${COLUMNS.join(' | ')} |\n|${'---|'.repeat(COLUMNS.length)}\n`
}

/** A row of it. */
export function line(outcome: Outcome): string {
  const seconds = outcome.seconds === null ? 'not back' : outcome.seconds.toFixed(1)
  const cells = [
    outcome.fault,
    outcome.acknowledged,
    outcome.found,
    outcome.lost,
    outcome.twice,
    outcome.told,
    outcome.missed,
    seconds,
    outcome.readiness,
  ]
  return `| ${cells.join(' | ')} |\n${outcome.wrong.map(sentence => `  ! ${sentence}\n`).join('')}`
}
