/**
 * The checklist of a datasource's last verdict. Before the first one it fills in as the check under way goes on: it is asked how far it
 * has come. What it has passed so far decides nothing; the verdict comes by the live changes and takes its place.
 */
import { useQuery } from '@tanstack/react-query'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { Checklist } from '#client/console/checks/checklist.tsx'

const EVERY_MS = 500

/** The lines. */
export function LastChecklist({ datasource }: { datasource: DatasourceItem }) {
  const { id, checks, kind, status, statusReason, removedAt } = datasource
  const trpc = useTRPC()
  const isAwaited = checks.length === 0 && status === 'unverified' && statusReason === null && removedAt === null
  const options = { enabled: isAwaited, refetchInterval: EVERY_MS }
  const { data } = useQuery(trpc.datasources.progress.queryOptions({ id }, options))
  return <Checklist checks={checks} kind={kind} reached={data?.reached ?? []} />
}
