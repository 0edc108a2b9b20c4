/**
 * Reads the schema now. A large schema can take a while; the button shows that, and the lists are requested again
 * afterwards.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ScanSearch } from 'lucide-react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { problemOf } from '#client/console/base/problem.ts'
import { Button } from '#client/console/kit/button.tsx'
import type { DatasourceId } from '#shared/base/datasource-name.ts'

/** The button, with its failure beside it. */
export function ReadNow({ id }: { id: DatasourceId }) {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const introspect = useMutation(
    trpc.snapshots.introspect.mutationOptions({
      onSuccess: () => queries.invalidateQueries(trpc.snapshots.list.queryFilter()),
    }),
  )
  return (
    <>
      {introspect.error === null ? null : (
        <span role="alert" className="wrong small">
          {problemOf(introspect.error).message}
        </span>
      )}
      <Button
        icon={<ScanSearch className="icon" aria-hidden />}
        isBusy={introspect.isPending}
        onClick={() => introspect.mutate({ id })}
      >
        Read now
      </Button>
    </>
  )
}
