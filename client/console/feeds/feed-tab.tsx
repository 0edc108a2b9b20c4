/**
 * The feed of a signed endpoint: its state, the delay of its events, and the newest of them. The live changes do not
 * report the state of a feed, so the tab polls every few seconds while it is visible.
 */
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { duration } from '#client/console/base/format.ts'
import { Chart } from '#client/console/charts/chart.tsx'
import type { ChartSpec } from '#client/console/charts/spec.ts'
import { Awaited } from '#client/console/kit/awaited.tsx'
import { Empty, Notice } from '#client/console/kit/feedback.tsx'
import { Facts, Panel } from '#client/console/kit/panel.tsx'
import { Time } from '#client/console/kit/time.tsx'
import '#client/console/styles/drift.css'
import type { RecentEvent } from '#shared/feeds/recent.ts'
import { EventRows } from './event-list.tsx'
import { latenessOf } from './lateness.ts'

const EVERY_MS = 5_000
const SHOWN = 50

type Endpoint = Extract<DatasourceItem, { kind: 'endpoint' }>

/** The tab for the feed. */
export function FeedTab({ datasource }: { datasource: DatasourceItem }) {
  const trpc = useTRPC()
  const { id, removedAt } = datasource
  const refetchInterval = removedAt === null ? EVERY_MS : false
  const state = useQuery(trpc.datasources.get.queryOptions({ id, includeRemoved: true }, { refetchInterval }))
  const known = state.data ?? datasource
  if (known.kind !== 'endpoint') return null
  return (
    <>
      <State endpoint={known} />
      <Events id={id} every={refetchInterval} />
    </>
  )
}

function State({ endpoint: { feed } }: { endpoint: Endpoint }) {
  const { eventLag, retryCount, lastRequestAt, lastSuccessAt, lastError } = feed
  return (
    <Panel title="Feed" about={eventLag === 0 ? 'It is up to date.' : 'It is catching up.'}>
      <div className="stack">
        {lastError === null ? null : <Notice tone="warn" title={lastError} />}
        <Facts
          facts={{
            Behind: <span className="number">{eventLag === 0 ? 'nothing' : duration(eventLag * 1_000)}</span>,
            'Last request': <Time at={lastRequestAt} none="never" />,
            'Last answer': <Time at={lastSuccessAt} none="never" />,
            'Failed attempts since': <span className="number">{retryCount}</span>,
          }}
        />
      </div>
    </Panel>
  )
}

function Events({ id, every }: { id: DatasourceItem['id']; every: number | false }) {
  const trpc = useTRPC()
  const recent = useQuery(trpc.feeds.recent.queryOptions({ id, limit: SHOWN }, { refetchInterval: every }))
  return (
    <Awaited query={recent} rows={10}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No event yet">An event appears a few seconds after the endpoint returns or pushes it.</Empty>
        ) : (
          <>
            <Panel
              title="Delay of events"
              about="From the time of the event, according to the endpoint, until it was stored here."
            >
              <LagChart events={items} />
            </Panel>
            <EventRows events={items} />
          </>
        )
      }
    </Awaited>
  )
}

function LagChart({ events }: { events: readonly RecentEvent[] }) {
  const spec = useMemo((): ChartSpec => {
    const inOrder = events.toReversed()
    return {
      kind: 'bar',
      labels: inOrder.map(({ storedAtMs }) => new Date(storedAtMs).toLocaleTimeString('en', { timeStyle: 'medium' })),
      series: [{ name: 'Delay', tone: 'chart-1', values: inOrder.map(latenessOf) }],
      format: duration,
    }
  }, [events])
  return <Chart label="Time from when each event happened until it was stored" spec={spec} />
}
