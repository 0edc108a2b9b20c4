/**
 * API keys: the living ones first, how they are used, and the way to make and to revoke one. A key itself is shown once, by the
 * dialog that made it.
 */

import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { useNow } from '#client/console/base/session-context.tsx'
import { Button } from '#client/console/kit/button.tsx'
import { Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Scroll } from '#client/console/kit/scroll.tsx'
import { KeyRow } from './key-row.tsx'
import type { ListedKey } from './listed-key.ts'
import { NewKey } from './new-key.tsx'
import { RevokeKey } from './revoke-key.tsx'

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
