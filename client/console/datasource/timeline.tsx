/**
 * Past verifications: a chart of their durations and results, and
 * below it each verification with its failed check.
 */
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { duration, exactTime } from '#client/console/base/format.ts'
import { Chart } from '#client/console/charts/chart.tsx'
import type { ChartSpec, ChartTone } from '#client/console/charts/spec.ts'
import { Checklist } from '#client/console/checks/checklist.tsx'
import { Badge, type Tone } from '#client/console/kit/badge.tsx'
import { Empty, Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Time } from '#client/console/kit/time.tsx'
import '#client/console/styles/drift.css'
import type { Verification } from '#shared/datasources/verification.ts'

const SHOWN = 60

const WORDS = { passed: 'Passed', refused: 'Refused', unreachable: 'Not reached' } as const
const TONES: Readonly<Record<Verification['verdict'], Tone>> = { passed: 'good', refused: 'bad', unreachable: 'warn' }
const COLORS: Readonly<Record<Verification['verdict'], ChartTone>> = {
  passed: 'chart-2',
  refused: 'chart-4',
  unreachable: 'chart-3',
}

/** The tab for past verifications. */
export function Timeline({ datasource: { id, kind } }: { datasource: DatasourceItem }) {
  const trpc = useTRPC()
  const { data, error, refetch } = useQuery(trpc.datasources.verifications.queryOptions({ id, limit: SHOWN }))
  if (data === undefined)
    return error === null ? <Loading rows={10} /> : <ProblemNotice error={error} onRetry={() => void refetch()} />
  if (data.items.length === 0) return <Empty title="No verification yet">The first one is running.</Empty>
  return (
    <>
      <Panel title="How long each check took" about="Green: passed; amber: not reached; red: refused.">
        <TookChart items={data.items} />
      </Panel>
      <Panel title={`The last ${data.items.length === 1 ? 'one' : data.items.length}`} isFlush>
        <ol className="timeline">
          {data.items.map(one => (
            <Entry key={one.id} verification={one} kind={kind} />
          ))}
        </ol>
      </Panel>
    </>
  )
}

function TookChart({ items }: { items: readonly Verification[] }) {
  const spec = useMemo((): ChartSpec => {
    const inTime = items.toReversed()
    return {
      kind: 'bar',
      labels: inTime.map(({ at }) => new Date(at).toLocaleString('en', { dateStyle: 'short', timeStyle: 'short' })),
      series: [
        {
          name: 'Took',
          tone: 'chart-2',
          values: inTime.map(({ tookMs }) => tookMs),
          tones: inTime.map(({ verdict }) => COLORS[verdict]),
        },
      ],
      format: duration,
    }
  }, [items])
  return <Chart label="Time that each verification took, coloured by its outcome" spec={spec} />
}

function Entry({ verification, kind }: { verification: Verification; kind: DatasourceItem['kind'] }) {
  const { at, verdict, reason, tookMs, credentialVersion, checks } = verification
  return (
    <li>
      <details className="entry">
        <summary>
          <Badge tone={TONES[verdict]}>{WORDS[verdict]}</Badge>
          <span className="cut">
            <Time at={at} /> {reason === null ? null : <code className="faint">{reason}</code>}
          </span>
          <span className="faint small number">
            {duration(tookMs)} · credential {credentialVersion}
          </span>
        </summary>
        <p className="faint small">{exactTime(at)}</p>
        <Checklist checks={checks} kind={kind} />
      </details>
    </li>
  )
}
