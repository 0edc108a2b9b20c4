/**
 * Starts a check now. The verdict arrives with the live changes; until then, the button shows that the check is
 * running.
 */
import { useMutation } from '@tanstack/react-query'
import { RefreshCw } from 'lucide-react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { problemOf } from '#client/console/base/problem.ts'
import { Button } from '#client/console/kit/button.tsx'

const WAIT_SECONDS = 20

/** The button, with its failure beside it. */
export function CheckNow({ datasource: { id } }: { datasource: Pick<DatasourceItem, 'id'> }) {
  const trpc = useTRPC()
  const verify = useMutation(trpc.datasources.verify.mutationOptions())
  return (
    <>
      {verify.error === null ? null : (
        <span role="alert" className="wrong small">
          {problemOf(verify.error).message}
        </span>
      )}
      <Button
        icon={<RefreshCw className="icon" aria-hidden />}
        isBusy={verify.isPending}
        onClick={() => verify.mutate({ id, waitSeconds: WAIT_SECONDS })}
      >
        Check now
      </Button>
    </>
  )
}
