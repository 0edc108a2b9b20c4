/**
 * The record of who did what, newest first, filtered by action, outcome and object. It holds no secret and no text of a request.
 */

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { Badge } from '#client/console/kit/badge.tsx'
import { Button } from '#client/console/kit/button.tsx'
import { Empty, Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Scroll } from '#client/console/kit/scroll.tsx'
import { Time } from '#client/console/kit/time.tsx'
import type { Outputs } from '#client/index.ts'

type Event = Outputs['organization']['audit']['items'][number]

const PER_PAGE = 50

/** What the record is narrowed to. */
interface Filter {
  readonly action: string
  readonly outcome: string
  readonly objectId: string
}

const ALL: Filter = { action: '', outcome: '', objectId: '' }

/** The tab. */
export function Audit() {
  const trpc = useTRPC()
  const [filter, setFilter] = useState(ALL)
  const [cursor, setCursor] = useState<string | null>(null)
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value.trim() !== ''))
  const { data, error, refetch } = useQuery(
    trpc.organization.audit.queryOptions(
      { limit: PER_PAGE, ...given, ...(cursor === null ? {} : { cursor }) },
      { placeholderData: keepPreviousData },
    ),
  )
  const narrow = (change: Partial<Filter>) => {
    setFilter({ ...filter, ...change })
    setCursor(null)
  }
  return (
    <Panel title="Audit" about="Who did what, and how it ended." isFlush>
      <Filters filter={filter} onNarrow={narrow} />
      {data === undefined && error === null ? <Loading rows={10} /> : null}
      {error === null ? null : <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 ? <Empty title="Nothing matches">Each filter is compared as a whole.</Empty> : null}
      {data === undefined || data.items.length === 0 ? null : <EventTable events={data.items} />}
      {cursor === null && data?.nextCursor == null ? null : (
        <nav className="pages" aria-label="Pages of the record">
          <Button disabled={cursor === null} onClick={() => setCursor(null)}>
            Newest
          </Button>
          <Button disabled={data?.nextCursor == null} onClick={() => setCursor(data?.nextCursor ?? null)}>
            Older
          </Button>
        </nav>
      )}
    </Panel>
  )
}

function Filters({ filter, onNarrow }: { filter: Filter; onNarrow: (change: Partial<Filter>) => void }) {
  return (
    <div className="audit-filters">
      <TextField
        label="Action"
        placeholder="key.created"
        maxLength={100}
        value={filter.action}
        onChange={event => onNarrow({ action: event.target.value })}
      />
      <TextField
        label="Outcome"
        placeholder="ok, or a fault"
        maxLength={100}
        value={filter.outcome}
        onChange={event => onNarrow({ outcome: event.target.value })}
      />
      <TextField
        label="Object"
        placeholder="ds_…"
        maxLength={100}
        value={filter.objectId}
        onChange={event => onNarrow({ objectId: event.target.value })}
      />
    </div>
  )
}

function EventTable({ events }: { events: readonly Event[] }) {
  return (
    <Scroll label="Events, newest first" isFlush>
      <table className="table">
        <caption className="unseen">Events, newest first</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Action</th>
            <th scope="col">Outcome</th>
            <th scope="col">By</th>
            <th scope="col">Object</th>
            <th scope="col">Address</th>
          </tr>
        </thead>
        <tbody>
          {events.map(event => (
            <EventRow key={event.id} event={event} />
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

function EventRow({ event }: { event: Event }) {
  return (
    <tr>
      <td>
        <Time at={event.at} />
      </td>
      <td>
        <code>{event.action}</code>
      </td>
      <td>
        <Badge tone={event.outcome === 'ok' ? 'good' : 'bad'}>{event.outcome}</Badge>
      </td>
      <td className="small soft" title={event.principal.id ?? undefined}>
        {event.principal.kind} {event.principal.id === null ? null : <code>…{event.principal.id.slice(-6)}</code>}
      </td>
      <td className="small soft" title={event.objectId ?? undefined}>
        {event.objectId === null ? null : <code>…{event.objectId.slice(-12)}</code>}
      </td>
      <td className="small soft" title={event.requestId ?? undefined}>
        {event.address}
      </td>
    </tr>
  )
}
