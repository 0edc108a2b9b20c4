/**
 * Revokes a key. The user first sees how many keys and capabilities the key has created: the server refuses the first
 * attempt for a key with living descendants, or for the last key that could create others, and says which applies.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { problemOf } from '#client/console/base/problem.ts'
import { Button } from '#client/console/kit/button.tsx'
import { Choice } from '#client/console/kit/choice.tsx'
import { Dialog } from '#client/console/kit/dialog.tsx'
import { Notice, ProblemNotice } from '#client/console/kit/feedback.tsx'
import type { ChoiceOption } from '#client/console/kit/plain-choice.tsx'
import type { KeyItem } from './listed-key.ts'

type Children = 'revoke' | 'keep'

const CHILDREN: readonly ChoiceOption<Children>[] = [
  { value: 'revoke', label: 'Revoke them as well' },
  { value: 'keep', label: 'Keep them' },
]

/** The dialog. */
export function RevokeKey({ apiKey, onClose }: { apiKey: KeyItem; onClose: () => void }) {
  const [children, setChildren] = useState<Children>('revoke')
  const { revoke, asked } = useRevocation(onClose)
  const hasChildren = asked.includes('children')
  const isLast = asked.includes('force')
  const input = { id: apiKey.id, ...(hasChildren ? { children } : {}), ...(isLast ? { force: true } : {}) }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Revoke ${apiKey.name ?? 'the key'}?`}
      about={<>Requests with …{apiKey.last4} will be refused by every process. This cannot be undone.</>}
    >
      {problemOf(revoke.error).issues.map(({ message }) => (
        <Notice key={message} tone="warn" title={message} />
      ))}
      {hasChildren ? (
        <Choice label="What it has created" value={children} options={CHILDREN} onChange={setChildren} />
      ) : null}
      {revoke.error !== null && asked.length === 0 ? <ProblemNotice error={revoke.error} /> : null}
      <div className="dialog-foot">
        <Button onClick={onClose}>Cancel</Button>
        <Button weight="danger" isBusy={revoke.isPending} onClick={() => revoke.mutate(input)}>
          {isLast ? 'Revoke the last one' : 'Revoke'}
        </Button>
      </div>
    </Dialog>
  )
}

/** Revokes the key. `asked` lists the confirmations that the server requires: `children`, `force`. */
function useRevocation(onDone: () => void) {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const [asked, setAsked] = useState<readonly string[]>([])
  const revoke = useMutation(
    trpc.organization.revokeKey.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries(trpc.organization.pathFilter())
        onDone()
      },
      onError: error => {
        const fields = problemOf(error).issues.map(({ field }) => field)
        setAsked(before => [...new Set([...before, ...fields.filter(one => one === 'children' || one === 'force')])])
      },
    }),
  )
  return { revoke, asked }
}
