/**
 * The key that the console uses, and the sign-out. A key that the console obtained for itself with a terminal code is
 * revoked at sign-out; a pasted key is only forgotten by this tab.
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
    // This tab forgets the key even if it could not be revoked; the key expires within twelve hours.
    if (own === null) leave()
    else revoke.mutate({ id: own, children: 'keep', force: true }, { onSettled: leave })
  }
}
