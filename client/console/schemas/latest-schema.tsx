/**
 * The newest snapshot of a datasource's schema, for a list or a diagram. If there is none, the panel offers to read the
 * schema now; if it is too large for one answer, the reader chooses one of its schemas.
 */
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { quantity } from '#client/console/base/format.ts'
import { Empty, Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Time } from '#client/console/kit/time.tsx'
import '#client/console/styles/schema.css'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { ReadNow } from './read-now.tsx'
import { LargeSchema, useSnapshot } from './use-snapshot.tsx'

type Show = (snapshot: Snapshot) => ReactNode

/** The panel. `children` shows a snapshot that has at least one table or function. */
export function LatestSchema({
  datasource: { id, removedAt },
  children,
}: {
  datasource: DatasourceItem
  children: Show
}) {
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
      <Empty title="The schema has not been read yet" action={removedAt === null ? <ReadNow id={id} /> : undefined}>
        Only the catalog is read, never the rows of a table.
      </Empty>
    )
  return (
    <Panel
      title={quantity(summary.tableCount, 'table')}
      about={
        <>
          Read <Time at={summary.seenAt} />, unchanged since <Time at={summary.takenAt} />
        </>
      }
      actions={removedAt === null ? <ReadNow id={id} /> : undefined}
      isFlush
    >
      <Whole snapshotId={summary.id} show={children} />
    </Panel>
  )
}

function Whole({ snapshotId, show }: { snapshotId: `snap_${string}`; show: Show }) {
  const { snapshot, error, isTooLarge, retry, showSchema } = useSnapshot(snapshotId)
  if (isTooLarge) return <LargeSchema onShow={showSchema} />
  if (error !== null) return <ProblemNotice error={error} onRetry={retry} />
  if (snapshot === null) return <Loading rows={14} label="Loading the schema" />
  if (snapshot.schemas.every(({ relations, functions = [] }) => relations.length + functions.length === 0))
    return <Empty title="It is empty">No schema that the role may read has a table or a function.</Empty>
  return show(snapshot)
}
