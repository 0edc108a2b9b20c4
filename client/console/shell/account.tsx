/**
 * Whose key the console uses, and the way out. A key that the console was given for itself, by a code of the terminal, is
 * revoked at sign-out; one that somebody pasted is forgotten by this tab and stays as it is.
 */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { LogOut } from 'lucide-react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { useSession, useSignedIn } from '#client/console/base/session-context.tsx'
import { ModeTag } from '#client/console/kit/badge.tsx'
import { IconButton } from '#client/console/kit/button.tsx'

/** The organization, the key's mode, and the button that signs out. */
export function Account() {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.organization.current.queryOptions())
  const signOut = useSignOut()
  return (
    <div className="account">
      <div className="cut">
        <p className="cut strong">{data?.organization.name ?? ' '}</p>
        <p className="cut faint small">
          {data === undefined ? ' ' : <ModeTag mode={data.principal.mode} />}{' '}
          {data === undefined
            ? null
            : (data.principal.name ?? (data.principal.kind === 'key' ? 'API key' : 'Capability'))}
        </p>
      </div>
      <IconButton label="Sign out" onClick={signOut}>
        <LogOut className="icon" aria-hidden />
      </IconButton>
    </div>
  )
}

function useSignOut(): () => void {
  const trpc = useTRPC()
  const session = useSession()
  const queries = useQueryClient()
  const own = useSignedIn()?.ownKeyId ?? null
  const revoke = useMutation(trpc.organization.revokeKey.mutationOptions())
  const leave = () => {
    session.end()
    queries.clear()
  }
  return () => {
    // Whether or not the key could be revoked, this tab forgets it; by itself it ends within twelve hours.
    if (own === null) leave()
    else revoke.mutate({ id: own, children: 'keep', force: true }, { onSettled: leave })
  }
}
