/**
 * The audit record, newest first, filtered by action, outcome and object. It contains no secret and no text of a
 * request.
 */

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { Awaited } from '#client/console/kit/awaited.tsx'
import { Badge } from '#client/console/kit/badge.tsx'
import { Empty } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Pages, Table } from '#client/console/kit/table.tsx'
import { Time } from '#client/console/kit/time.tsx'
import type { Outputs } from '#client/index.ts'

type Event = Outputs['organization']['audit']['items'][number]

const HEADINGS = ['When', 'Action', 'Outcome', 'By', 'Object', 'Address']
const PER_PAGE = 50

/** The filters of the record. */
interface Filter {
  readonly action: string
  readonly outcome: string
  readonly objectId: string
}

const ALL: Filter = { action: '', outcome: '', objectId: '' }

/** The tab for the audit record. */
export function Audit() {
  const trpc = useTRPC()
  const [filter, setFilter] = useState(ALL)
  const [cursor, setCursor] = useState<string | null>(null)
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value.trim() !== ''))
  const input = { limit: PER_PAGE, ...given, ...(cursor === null ? {} : { cursor }) }
  const events = useQuery(trpc.organization.audit.queryOptions(input, { placeholderData: keepPreviousData }))
  const narrow = (change: Partial<Filter>) => {
    setFilter({ ...filter, ...change })
    setCursor(null)
  }
  return (
    <Panel title="Audit" about="Who did what, and with what result." isFlush>
      <Filters filter={filter} onNarrow={narrow} />
      <Awaited query={events} rows={10}>
        {({ items, nextCursor }) => (
          <>
            {items.length === 0 ? (
              <Empty title="Nothing matches">Filters match whole values.</Empty>
            ) : (
              <Table label="Events, newest first" headings={HEADINGS}>
                {items.map(event => (
                  <EventRow key={event.id} event={event} />
                ))}
              </Table>
            )}
            <Pages label="Pages of the record" cursor={cursor} next={nextCursor} onGo={setCursor} />
          </>
        )}
      </Awaited>
    </Panel>
  )
}

const FIELDS = [
  { field: 'action', label: 'Action', placeholder: 'key.created' },
  { field: 'outcome', label: 'Outcome', placeholder: 'ok, or a fault' },
  { field: 'objectId', label: 'Object', placeholder: 'ds_…' },
] as const

function Filters({ filter, onNarrow }: { filter: Filter; onNarrow: (change: Partial<Filter>) => void }) {
  return (
    <div className="audit-filters">
      {FIELDS.map(({ field, label, placeholder }) => (
        <TextField
          key={field}
          label={label}
          placeholder={placeholder}
          maxLength={100}
          value={filter[field]}
          onChange={event => onNarrow({ [field]: event.target.value })}
        />
      ))}
    </div>
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
