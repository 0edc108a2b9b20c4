/**
 * API keys, with those in force first: their use, and the buttons to create and revoke one. A key itself is shown once,
 * in the dialog that created it.
 */

import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { useNow } from '#client/console/base/session-context.tsx'
import { Awaited } from '#client/console/kit/awaited.tsx'
import { Button } from '#client/console/kit/button.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Table } from '#client/console/kit/table.tsx'
import { KeyRow } from './key-row.tsx'
import type { KeyItem } from './listed-key.ts'
import { NewKey } from './new-key.tsx'
import { RevokeKey } from './revoke-key.tsx'

const HEADINGS = ['Name', 'Mode', 'Scopes', 'Made', 'Last used', 'State']

/** The tab for keys. */
export function Keys() {
  const trpc = useTRPC()
  const now = useNow()
  const [isMaking, setIsMaking] = useState(false)
  const [revoked, setRevoked] = useState<KeyItem | null>(null)
  const keys = useQuery(trpc.organization.listKeys.queryOptions({}))
  const make = (
    <Button weight="primary" icon={<Plus className="icon" aria-hidden />} onClick={() => setIsMaking(true)}>
      New key
    </Button>
  )
  return (
    <Panel title="API keys" about="A key is shown once, when it is created." actions={make} isFlush>
      <Awaited query={keys} rows={6}>
        {({ items }) => (
          <Table label="API keys, newest first" headings={HEADINGS} hasActions>
            {items.map(key => (
              <KeyRow key={key.id} apiKey={key} now={now} onRevoke={setRevoked} />
            ))}
          </Table>
        )}
      </Awaited>
      {isMaking ? <NewKey onClose={() => setIsMaking(false)} /> : null}
      {revoked === null ? null : <RevokeKey apiKey={revoked} onClose={() => setRevoked(null)} />}
    </Panel>
  )
}
