/**
 * The checklist of a datasource's last verdict. Before the first verdict, the page polls the progress of the running
 * check and fills in the lines. The progress decides nothing; the verdict arrives with the live changes and replaces
 * it.
 */
import { useQuery } from '@tanstack/react-query'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { Checklist } from '#client/console/checks/checklist.tsx'

const EVERY_MS = 500

/** The checklist. */
export function LastChecklist({ datasource }: { datasource: DatasourceItem }) {
  const { id, checks, kind, status, statusReason, removedAt } = datasource
  const trpc = useTRPC()
  const isAwaited = checks.length === 0 && status === 'unverified' && statusReason === null && removedAt === null
  const options = { enabled: isAwaited, refetchInterval: EVERY_MS }
  const { data } = useQuery(trpc.datasources.progress.queryOptions({ id }, options))
  return <Checklist checks={checks} kind={kind} reached={data?.reached ?? []} />
}
