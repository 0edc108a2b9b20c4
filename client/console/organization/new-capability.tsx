/**
 * Mints a capability and shows it once. Its operations cannot
 * include leases, which only an operator's command grants.
 */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { Choice } from '#client/console/kit/choice.tsx'
import { Dialog } from '#client/console/kit/dialog.tsx'
import { Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import type { ChoiceOption } from '#client/console/kit/plain-choice.tsx'
import type { Scope } from '#shared/access/credential.ts'
import { ScopePicker } from './scope-picker.tsx'
import { ShownOnce } from './shown-once.tsx'

type Operation = Exclude<Scope, 'organization.read' | 'organization.write'>

const LIVES: readonly ChoiceOption<string>[] = [
  { value: '3600', label: 'one hour' },
  { value: '86400', label: 'one day' },
  { value: '604800', label: 'one week' },
  { value: '2592000', label: '30 days' },
]

function isOperation(scope: Scope): scope is Operation {
  return !scope.startsWith('organization.') && scope !== 'datasources.lease'
}

/** The dialog. */
export function NewCapability({ onClose }: { onClose: () => void }) {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const current = useQuery(trpc.organization.current.queryOptions())
  const mint = useMutation(
    trpc.organization.mintCapability.mutationOptions({
      onSuccess: () => queries.invalidateQueries(trpc.organization.pathFilter()),
    }),
  )
  const offered = current.data?.principal.scopes.filter(isOperation)
  const token = mint.data?.token
  return (
    <Dialog isOpen onClose={onClose} title={token === undefined ? 'New capability' : 'Your new capability'} isWide>
      {token !== undefined ? <ShownOnce token={token} onClose={onClose} /> : null}
      {token === undefined && offered === undefined ? <Loading rows={8} /> : null}
      {token === undefined && offered !== undefined ? (
        <MintForm offered={offered} error={mint.error} isBusy={mint.isPending} onMint={ask => mint.mutate(ask)} />
      ) : null}
    </Dialog>
  )
}

interface MintFormProps {
  readonly offered: readonly Operation[]
  readonly error: unknown
  readonly isBusy: boolean
  readonly onMint: (ask: { operations: Operation[]; ttlSeconds: number; label?: string }) => void
}

function MintForm({ offered, error, isBusy, onMint }: MintFormProps) {
  const [label, setLabel] = useState('')
  const [ttl, setTtl] = useState('86400')
  const [operations, setOperations] = useState<readonly Scope[]>(['datasources.read'])
  const mint = (event: FormEvent) => {
    event.preventDefault()
    const named = label.trim() === '' ? {} : { label: label.trim() }
    onMint({ operations: operations.filter(isOperation), ttlSeconds: Number(ttl), ...named })
  }
  return (
    <form className="stack" onSubmit={mint}>
      <div className="two">
        <TextField label="Label" maxLength={200} value={label} onChange={event => setLabel(event.target.value)} />
        <Choice label="Lifetime" value={ttl} options={LIVES} onChange={setTtl} />
      </div>
      <ScopePicker label="Permissions" offered={offered} chosen={operations} onChange={setOperations} />
      {error === null ? null : <ProblemNotice error={error} />}
      <div className="dialog-foot">
        <Button type="submit" weight="primary" disabled={operations.length === 0} isBusy={isBusy}>
          Mint the capability
        </Button>
      </div>
    </form>
  )
}
