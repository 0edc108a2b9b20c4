/**
 * The current state: workers, the queue, checks per minute, failures by reason. The console's own key of a local
 * installation sees the whole installation; any other key sees its organization.
 */
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { count, quantity } from '#client/console/base/format.ts'
import { Chart } from '#client/console/charts/chart.tsx'
import type { ChartSpec } from '#client/console/charts/spec.ts'
import { Empty, Loading, Notice, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { PageFrame, Panel } from '#client/console/kit/panel.tsx'
import { Time } from '#client/console/kit/time.tsx'
import '#client/console/styles/overview.css'
import { Figures, type OverviewFigures } from './figures.tsx'

const EVERY_MS = 10_000

const ABOUT = {
  installation: 'Figures for the whole installation.',
  organization: 'Figures for your organization.',
} as const

/** The page. */
export function OverviewScreen() {
  const trpc = useTRPC()
  const { data, error, refetch } = useQuery(
    trpc.operations.overview.queryOptions(undefined, { refetchInterval: EVERY_MS }),
  )
  return (
    <PageFrame title="Overview" name="Overview" about={data === undefined ? ' ' : ABOUT[data.scope]}>
      {error === null ? null : <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null ? <Loading rows={16} /> : null}
      {data === undefined ? null : <Known figures={data} />}
    </PageFrame>
  )
}

function Known({ figures }: { figures: OverviewFigures }) {
  return (
    <>
      {figures.workers.isSeen ? null : (
        <Notice tone="bad" title="No worker seen recently">
          Nothing is checked until one runs: npm run worker.
        </Notice>
      )}
      <Figures figures={figures} />
      <div className="overview">
        <div className="stack">
          <Panel title="Checks by minute" about="The last hour.">
            <ChecksChart checks={figures.checks} />
          </Panel>
          <Failures failures={figures.failures} />
        </div>
        <div className="stack">
          <Panel title="Queue by priority" about="Due tasks that wait for a worker.">
            {figures.queue.priorities.some(({ due }) => due > 0) ? (
              <QueueChart queue={figures.queue} />
            ) : (
              <Empty title="Nothing is waiting">Every due task has been claimed.</Empty>
            )}
          </Panel>
          {figures.workers.list === null ? null : <Workers workers={figures.workers.list} />}
        </div>
      </div>
    </>
  )
}

function ChecksChart({ checks }: { checks: OverviewFigures['checks'] }) {
  const spec = useMemo(
    (): ChartSpec => ({
      kind: 'bar',
      isStacked: true,
      labels: checks.map(({ minute }) =>
        new Date(minute).toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit' }),
      ),
      series: [
        { name: 'Passed', tone: 'chart-2', values: checks.map(({ passed }) => passed) },
        { name: 'Failed', tone: 'chart-4', values: checks.map(({ failed }) => failed) },
      ],
      format: count,
    }),
    [checks],
  )
  return <Chart label="Checks that passed and failed in each minute of the last hour" spec={spec} />
}

function QueueChart({ queue }: { queue: OverviewFigures['queue'] }) {
  const spec = useMemo(
    (): ChartSpec => ({
      kind: 'bar',
      isHorizontal: true,
      labels: queue.priorities.map(({ priority }) => priority.replaceAll('_', ' ')),
      series: [{ name: 'Due', tone: 'chart-1', values: queue.priorities.map(({ due }) => due) }],
      format: due => (due >= queue.countedTo ? `${count(due)} or more` : count(due)),
    }),
    [queue],
  )
  return <Chart label="Tasks that are due, by priority" spec={spec} height={15} />
}

function Failures({ failures }: { failures: OverviewFigures['failures'] }) {
  const since = (
    <>
      Since <Time at={failures.since} />
    </>
  )
  return (
    <Panel title="Failures by reason" about={since}>
      <FailureChart failures={failures} />
    </Panel>
  )
}

const MOST = 12

function FailureChart({ failures }: { failures: OverviewFigures['failures'] }) {
  const spec = useMemo((): ChartSpec => {
    const first = failures.byReason.slice(0, MOST)
    return {
      kind: 'bar',
      isHorizontal: true,
      labels: first.map(({ reason }) => reason),
      series: [{ name: 'Failed checks', tone: 'chart-4', values: first.map(one => one.count) }],
      format: count,
    }
  }, [failures])
  if (failures.byReason.length === 0) return <Empty title="No check has failed" />
  return <Chart label="Failed checks by reason" spec={spec} height={4 + 2 * Math.min(failures.byReason.length, MOST)} />
}

function Workers({ workers }: { workers: NonNullable<OverviewFigures['workers']['list']> }) {
  return (
    <Panel title={quantity(workers.length, 'worker')} about="Seen within the last 15 seconds.">
      <ul className="workers">
        {workers.map(({ version, startedAt }) => (
          <li key={`${version} ${startedAt}`}>
            <code>{version}</code>
            <span className="soft">
              runs since <Time at={startedAt} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
