/**
 * The figures above the charts, each with its label. A figure
 * whose count stopped at a limit ends with a plus sign.
 */
import { count, duration } from '#client/console/base/format.ts'
import type { Outputs } from '#client/index.ts'

/** The figures of the overview. */
export type OverviewFigures = Outputs['operations']['overview']

/** The row of figures. */
export function Figures({ figures: { datasources, queue, checks, at } }: { figures: OverviewFigures }) {
  const { active, rejected, unverified, countedTo } = datasources
  const isWhole = active + rejected + unverified < countedTo
  const due = queue.priorities.reduce((sum, one) => sum + one.due, 0)
  const lastHour = checks.reduce((sum, one) => sum + one.passed + one.failed, 0)
  const oldest = queue.priorities.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [Date.parse(oldestAt)]))
  const waits = oldest.length === 0 ? null : Math.max(0, Date.parse(at) - Math.min(...oldest))
  return (
    <dl className="figures">
      <Figure name="Active" value={`${count(active)}${isWhole ? '' : '+'}`} />
      <Figure name="Rejected" value={`${count(rejected)}${isWhole ? '' : '+'}`} />
      <Figure name="Not verified" value={`${count(unverified)}${isWhole ? '' : '+'}`} />
      <Figure name="Checks, last hour" value={count(lastHour)} />
      <Figure name="Tasks due" value={count(due)} />
      <Figure name="Oldest wait" value={waits === null ? '–' : duration(waits)} />
    </dl>
  )
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd className="number">{value}</dd>
    </div>
  )
}
