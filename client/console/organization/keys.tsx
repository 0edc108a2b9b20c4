/**
 * API keys: the living ones first, how they are used, and the way to make and to revoke one. A key itself is shown once, by the
 * dialog that made it.
 */

import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { useNow } from '#client/console/base/session-context.tsx'
import { Badge, ModeTag } from '#client/console/kit/badge.tsx'
import { Button } from '#client/console/kit/button.tsx'
import { Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Scroll } from '#client/console/kit/scroll.tsx'
import { Time } from '#client/console/kit/time.tsx'
import type { Outputs } from '#client/index.ts'
import { NewKey } from './new-key.tsx'
import { RevokeKey } from './revoke-key.tsx'

/** A key of the list. */
export type ListedKey = Outputs['organization']['listKeys']['items'][number]

/** The tab. */
export function Keys() {
  const trpc = useTRPC()
  const [isMaking, setIsMaking] = useState(false)
  const [revoked, setRevoked] = useState<ListedKey | null>(null)
  const { data, error, refetch } = useQuery(trpc.organization.listKeys.queryOptions({}))
  const make = (
    <Button weight="primary" icon={<Plus className="icon" aria-hidden />} onClick={() => setIsMaking(true)}>
      New key
    </Button>
  )
  return (
    <Panel title="API keys" about="A key is shown once, when it is made." actions={make} isFlush>
      {data === undefined && error === null ? <Loading rows={6} /> : null}
      {error === null ? null : <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined ? null : <KeyTable keys={data.items} onRevoke={setRevoked} />}
      {isMaking ? <NewKey onClose={() => setIsMaking(false)} /> : null}
      {revoked === null ? null : <RevokeKey of={revoked} onClose={() => setRevoked(null)} />}
    </Panel>
  )
}

function KeyTable({ keys, onRevoke }: { keys: readonly ListedKey[]; onRevoke: (key: ListedKey) => void }) {
  const now = useNow()
  return (
    <Scroll label="API keys, newest first" isFlush>
      <table className="table">
        <caption className="unseen">API keys, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Mode</th>
            <th scope="col">Scopes</th>
            <th scope="col">Made</th>
            <th scope="col">Last used</th>
            <th scope="col">State</th>
            <th scope="col">
              <span className="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map(key => (
            <KeyRow key={key.id} of={key} now={now} onRevoke={onRevoke} />
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

interface KeyRowProps {
  readonly of: ListedKey
  readonly now: number
  readonly onRevoke: (key: ListedKey) => void
}

function KeyRow({ of, now, onRevoke }: KeyRowProps) {
  const isExpired = of.expiresAt !== null && Date.parse(of.expiresAt) <= now
  const isAlive = of.revokedAt === null && !isExpired
  return (
    <tr className={isAlive ? undefined : 'ended'}>
      <td>
        <span className="strong">{of.name ?? 'Without a name'}</span> <code className="faint small">…{of.last4}</code>
      </td>
      <td>
        <ModeTag mode={of.mode} />
      </td>
      <td className="small soft" title={of.scopes.join(', ')}>
        {of.scopes.length} of 10
      </td>
      <td>
        <Time at={of.createdAt} />
      </td>
      <td>
        <Time at={of.lastUsedAt} none="never" />
      </td>
      <td>
        {of.revokedAt !== null ? (
          <Badge>Revoked</Badge>
        ) : isExpired ? (
          <Badge>Expired</Badge>
        ) : (
          <Badge tone="good">Alive</Badge>
        )}
        {isAlive && of.expiresAt !== null ? (
          <span className="faint small">
            {' '}
            ends <Time at={of.expiresAt} />
          </span>
        ) : null}
      </td>
      <td className="row-actions">
        {isAlive ? (
          <Button weight="quiet" onClick={() => onRevoke(of)}>
            Revoke…
          </Button>
        ) : null}
      </td>
    </tr>
  )
}
