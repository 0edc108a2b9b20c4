/**
 * Capabilities: tokens for a few operations and a limited
 * time. They are minted here, shown once, and revoked.
 */

import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { Awaited } from '#client/console/kit/awaited.tsx'
import { Badge, ModeTag, type Tone } from '#client/console/kit/badge.tsx'
import { Button } from '#client/console/kit/button.tsx'
import { Dialog } from '#client/console/kit/dialog.tsx'
import { Empty, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Pages, Table } from '#client/console/kit/table.tsx'
import { Time } from '#client/console/kit/time.tsx'
import type { Outputs } from '#client/index.ts'
import { NewCapability } from './new-capability.tsx'

type Capability = Outputs['organization']['listCapabilities']['items'][number]

const STATES: Readonly<Record<Capability['status'], { tone: Tone; word: string }>> = {
  active: { tone: 'good', word: 'Alive' },
  revoked: { tone: 'neutral', word: 'Revoked' },
  expired: { tone: 'neutral', word: 'Expired' },
}

const HEADINGS = ['Label', 'Mode', 'Operations', 'Datasources', 'Ends', 'State']
const PER_PAGE = 50

/** The tab for capabilities. */
export function Capabilities() {
  const trpc = useTRPC()
  const [isMinting, setIsMinting] = useState(false)
  const [revoked, setRevoked] = useState<Capability | null>(null)
  const [cursor, setCursor] = useState<Capability['id'] | null>(null)
  const input = { limit: PER_PAGE, ...(cursor === null ? {} : { cursor }) }
  const capabilities = useQuery(
    trpc.organization.listCapabilities.queryOptions(input, { placeholderData: keepPreviousData }),
  )
  const mint = (
    <Button weight="primary" icon={<Plus className="icon" aria-hidden />} onClick={() => setIsMinting(true)}>
      New capability
    </Button>
  )
  return (
    <Panel title="Capabilities" about="For agents and systems: few operations, limited time." actions={mint} isFlush>
      <Awaited query={capabilities} rows={6}>
        {({ items, nextCursor }) => (
          <>
            {items.length === 0 ? <Empty title="No capabilities yet" /> : null}
            {items.length === 0 ? null : (
              <Table label="Capabilities, newest first" headings={HEADINGS} hasActions>
                {items.map(one => (
                  <CapabilityRow key={one.id} capability={one} onRevoke={setRevoked} />
                ))}
              </Table>
            )}
            <Pages label="Pages of capabilities" cursor={cursor} next={nextCursor} onGo={setCursor} />
          </>
        )}
      </Awaited>
      {isMinting ? <NewCapability onClose={() => setIsMinting(false)} /> : null}
      {revoked === null ? null : <Revoke capability={revoked} onClose={() => setRevoked(null)} />}
    </Panel>
  )
}

function CapabilityRow({
  capability,
  onRevoke,
}: {
  capability: Capability
  onRevoke: (capability: Capability) => void
}) {
  return (
    <tr className={capability.status === 'active' ? undefined : 'ended'}>
      <td>
        <span className="strong">{capability.label || capability.participantKind}</span>
      </td>
      <td>
        <ModeTag mode={capability.mode} />
      </td>
      <td className="small soft">{capability.operations.join(', ')}</td>
      <td className="small soft">{capability.datasourceIds === null ? 'all' : capability.datasourceIds.length}</td>
      <td>
        <Time at={capability.expiresAt} />
      </td>
      <td>
        <Badge tone={STATES[capability.status].tone}>{STATES[capability.status].word}</Badge>
      </td>
      <td className="row-actions">
        {capability.status === 'active' ? (
          <Button weight="quiet" onClick={() => onRevoke(capability)}>
            Revoke…
          </Button>
        ) : null}
      </td>
    </tr>
  )
}

function Revoke({ capability, onClose }: { capability: Capability; onClose: () => void }) {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const revoke = useMutation(
    trpc.organization.revokeCapability.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries(trpc.organization.pathFilter())
        onClose()
      },
    }),
  )
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Revoke ${capability.label || 'the capability'}?`}
      about="Requests with it will be refused, and its leases end. This cannot be undone."
    >
      {revoke.error === null ? null : <ProblemNotice error={revoke.error} />}
      <div className="dialog-foot">
        <Button onClick={onClose}>Cancel</Button>
        <Button weight="danger" isBusy={revoke.isPending} onClick={() => revoke.mutate({ id: capability.id })}>
          Revoke
        </Button>
      </div>
    </Dialog>
  )
}
