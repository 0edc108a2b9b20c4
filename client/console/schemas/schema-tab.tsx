/**
 * The schema of a datasource as it was last read: a list of its tables, views and functions to be searched, and the chosen one's parts
 * beside it. Where there is none yet, it is read now.
 */
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { type Datasource, useTRPC } from '#client/console/api/trpc.ts'
import { counted } from '#client/console/base/format.ts'
import { Empty, Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Time } from '#client/console/kit/time.tsx'
import '#client/console/styles/schema.css'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { ObjectView } from './object-view.tsx'
import { type Line, outlineOf } from './outline.ts'
import { OutlineList } from './outline-list.tsx'
import { ReadNow } from './read-now.tsx'
import { LargeSchema, useSnapshot } from './use-snapshot.tsx'

/** The tab. */
export function SchemaTab({ datasource: { id, removedAt } }: { datasource: Datasource }) {
  const trpc = useTRPC()
  const latest = useQuery(trpc.snapshots.list.queryOptions({ id, limit: 1 }))
  const summary = latest.data?.items[0]
  if (latest.data === undefined)
    return latest.error === null ? (
      <Loading rows={14} />
    ) : (
      <ProblemNotice error={latest.error} onRetry={() => void latest.refetch()} />
    )
  if (summary === undefined)
    return (
      <Empty title="The schema was not read yet" action={removedAt === null ? <ReadNow id={id} /> : undefined}>
        Reading takes the catalog alone: no row of a table is looked at.
      </Empty>
    )
  return (
    <Panel
      title={counted(summary.tableCount, 'table')}
      about={
        <>
          Read <Time at={summary.seenAt} />, unchanged since <Time at={summary.takenAt} />
        </>
      }
      actions={removedAt === null ? <ReadNow id={id} /> : undefined}
      isFlush
    >
      <Whole snapshotId={summary.id} />
    </Panel>
  )
}

function Whole({ snapshotId }: { snapshotId: `snap_${string}` }) {
  const { snapshot, error, isTooLarge, retry, showSchema } = useSnapshot(snapshotId)
  if (isTooLarge) return <LargeSchema onShow={showSchema} />
  if (error !== null) return <ProblemNotice error={error} onRetry={retry} />
  return snapshot === null ? <Loading rows={14} label="Loading the schema" /> : <Browser snapshot={snapshot} />
}

function Browser({ snapshot }: { snapshot: Snapshot }) {
  const lines = useMemo(() => outlineOf(snapshot), [snapshot])
  const [chosenKey, setChosenKey] = useState<string | null>(null)
  const chosen = lines.find(line => line.key === chosenKey) ?? lines.find(isObject) ?? null
  if (chosen === null)
    return <Empty title="There is nothing in it">No schema that the role may read has a table or a function.</Empty>
  return (
    <div className="browser">
      <OutlineList lines={lines} chosen={chosen.key} onChoose={setChosenKey} />
      <div className="browser-detail">
        <ObjectView line={chosen} onFollow={setChosenKey} snapshot={snapshot} />
      </div>
    </div>
  )
}

function isObject(line: Line): boolean {
  return line.kind !== 'schema'
}
