/**
 * Removes a datasource. Its credential is destroyed at once
 * and for good, so the user must type its name.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { TypedConfirmation } from '#client/console/kit/dialog.tsx'
import { Panel } from '#client/console/kit/panel.tsx'

/** The panel. */
export function RemovePanel({ datasource: { id, name } }: { datasource: DatasourceItem }) {
  const [isAsked, setIsAsked] = useState(false)
  const trpc = useTRPC()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const remove = useMutation(
    trpc.datasources.remove.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries(trpc.datasources.pathFilter())
        await navigate({ to: '/datasources' })
      },
    }),
  )
  return (
    <Panel
      title="Remove"
      about="The credential is destroyed at once. The record of what happened stays."
      actions={
        <Button weight="danger" icon={<Trash2 className="icon" aria-hidden />} onClick={() => setIsAsked(true)}>
          Remove…
        </Button>
      }
    >
      <p className="soft">Its leases end. You can register it again with a new credential.</p>
      <TypedConfirmation
        isOpen={isAsked}
        onClose={() => setIsAsked(false)}
        title={`Remove ${name}?`}
        about="Its credential is destroyed and cannot be restored."
        word={name}
        action="Remove it"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate({ id })}
      />
    </Panel>
  )
}
