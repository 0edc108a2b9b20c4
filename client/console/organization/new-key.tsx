/**
 * Creates an API key with the mode of the calling
 * key, and at most the scopes of that key.
 */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { Dialog } from '#client/console/kit/dialog.tsx'
import { Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import type { Scope } from '#shared/access/credential.ts'
import { ScopePicker } from './scope-picker.tsx'
import { ShownOnce } from './shown-once.tsx'

/** The dialog. */
export function NewKey({ onClose }: { onClose: () => void }) {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const current = useQuery(trpc.organization.current.queryOptions())
  const create = useMutation(
    trpc.organization.createKey.mutationOptions({
      onSuccess: () => queries.invalidateQueries(trpc.organization.pathFilter()),
    }),
  )
  const offered = current.data?.principal.scopes.filter(scope => scope !== 'datasources.lease') ?? []
  const token = create.data?.key
  return (
    <Dialog isOpen onClose={onClose} title={token === undefined ? 'New API key' : 'Your new key'} isWide>
      {token === undefined && current.data === undefined ? <Loading rows={8} /> : null}
      {token !== undefined ? <ShownOnce token={token} onClose={onClose} /> : null}
      {token === undefined && current.data !== undefined ? (
        <KeyForm
          mode={current.data.principal.mode}
          offered={offered}
          error={create.error}
          isBusy={create.isPending}
          onMake={ask => create.mutate(ask)}
        />
      ) : null}
    </Dialog>
  )
}

interface KeyFormProps {
  readonly mode: 'live' | 'test'
  readonly offered: readonly Scope[]
  readonly error: unknown
  readonly isBusy: boolean
  readonly onMake: (ask: { name?: string; scopes: Scope[] }) => void
}

function KeyForm({ mode, offered, error, isBusy, onMake }: KeyFormProps) {
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<readonly Scope[]>(offered)
  const make = (event: FormEvent) => {
    event.preventDefault()
    onMake({ scopes: [...scopes], ...(name.trim() === '' ? {} : { name: name.trim() }) })
  }
  return (
    <form className="stack" onSubmit={make}>
      <TextField
        label="Name"
        maxLength={200}
        hint={`Its mode is ${mode}, like that of the key that you use.`}
        value={name}
        onChange={event => setName(event.target.value)}
      />
      <ScopePicker label="Permissions" offered={offered} chosen={scopes} onChange={setScopes} />
      {error === null ? null : <ProblemNotice error={error} />}
      <div className="dialog-foot">
        <Button type="submit" weight="primary" disabled={scopes.length === 0} isBusy={isBusy}>
          Create the key
        </Button>
      </div>
    </form>
  )
}
