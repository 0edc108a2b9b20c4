/**
 * The changes between two snapshots of a schema, by class and with their reasons. By default, the newest snapshot is
 * compared with the one before it.
 */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { Choice } from '#client/console/kit/choice.tsx'
import { Empty, Loading, Notice, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import '#client/console/styles/drift.css'
import { ReadNow } from '#client/console/schemas/read-now.tsx'
import type { SnapshotSummary } from '#shared/schemas/introspection.ts'
import { ChangeList } from './drift-changes.tsx'

/** The maximum number of snapshots that are stored. */
const KEPT = 100

/** The tab for drift. */
export function DriftTab({ datasource: { id, removedAt } }: { datasource: DatasourceItem }) {
  const trpc = useTRPC()
  const { data, error, refetch } = useQuery(trpc.snapshots.list.queryOptions({ id, limit: KEPT }))
  if (data === undefined)
    return error === null ? <Loading rows={10} /> : <ProblemNotice error={error} onRetry={() => void refetch()} />
  const [latest, before] = data.items
  if (latest === undefined || before === undefined)
    return (
      <Empty title="Nothing to compare yet" action={removedAt === null ? <ReadNow id={id} /> : undefined}>
        {latest === undefined
          ? 'The schema has not been read yet.'
          : 'The schema was the same every time it was read. A new snapshot is stored when it changes.'}
      </Empty>
    )
  return <Comparison snapshots={data.items} from={before.id} to={latest.id} />
}

type SnapshotId = SnapshotSummary['id']

function Comparison(props: { snapshots: readonly SnapshotSummary[]; from: SnapshotId; to: SnapshotId }) {
  const [from, setFrom] = useState(props.from)
  const [to, setTo] = useState(props.to)
  const options = props.snapshots.map(one => ({ value: one.id, label: labelOf(one) }))
  return (
    <>
      <div className="two">
        <Choice label="From" value={from} options={options} onChange={setFrom} />
        <Choice label="To" value={to} options={options} onChange={setTo} />
      </div>
      {from === to ? <Empty title="Choose two different snapshots" /> : <Changes from={from} to={to} />}
    </>
  )
}

function labelOf({ takenAt, drift }: SnapshotSummary): string {
  const when = new Date(takenAt).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })
  if (drift === null) return `${when} (first)`
  const { breaking, risky, safe } = drift
  return `${when} (${[breaking > 0 ? `${breaking} breaking` : '', risky > 0 ? `${risky} risky` : '', `${safe} safe`].filter(Boolean).join(', ')})`
}

function Changes({ from, to }: { from: SnapshotId; to: SnapshotId }) {
  const trpc = useTRPC()
  const { data, error, refetch } = useQuery(
    trpc.snapshots.drift.queryOptions({ from, to }, { staleTime: Number.POSITIVE_INFINITY }),
  )
  if (data === undefined)
    return error === null ? (
      <Loading rows={10} label="Comparing" />
    ) : (
      <ProblemNotice error={error} onRetry={() => void refetch()} />
    )
  return (
    <Panel title="Changes" about={<Counts counts={data.counts} />} isFlush>
      {data.notes.map(note => (
        <Notice key={note} title={note} />
      ))}
      {data.changes.length === 0 ? (
        <Empty title="They are identical">There is no difference in the schemas that both cover.</Empty>
      ) : (
        <ChangeList changes={data.changes} />
      )}
    </Panel>
  )
}

function Counts({ counts: { breaking, risky, safe } }: { counts: { breaking: number; risky: number; safe: number } }) {
  return (
    <span className="counts">
      <span className="bad">{breaking} breaking</span>
      <span className="warn">{risky} risky</span>
      <span className="good">{safe} safe</span>
    </span>
  )
}
