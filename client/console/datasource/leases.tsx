/**
 * The leases of a datasource, in force and ended: who held its credential, and until when. The leased credential is
 * never shown.
 */

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { Awaited } from '#client/console/kit/awaited.tsx'
import { Badge, type Tone } from '#client/console/kit/badge.tsx'
import { Empty } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Pages, Table } from '#client/console/kit/table.tsx'
import { Time } from '#client/console/kit/time.tsx'
import type { Outputs } from '#client/index.ts'

type Lease = Outputs['datasources']['leases']['items'][number]

const ENDS: Readonly<Record<NonNullable<Lease['endedBy']> | 'live', { tone: Tone; word: string }>> = {
  live: { tone: 'good', word: 'Live' },
  released: { tone: 'neutral', word: 'Released' },
  expired: { tone: 'neutral', word: 'Expired' },
  revoked: { tone: 'warn', word: 'Revoked' },
}

const HEADINGS = ['State', 'Capability', 'Taken', 'Ends', 'Credential']
const PER_PAGE = 50

/** The tab for leases. */
export function Leases({ datasource: { id } }: { datasource: DatasourceItem }) {
  const trpc = useTRPC()
  const [cursor, setCursor] = useState<Lease['leaseId'] | null>(null)
  const input = { id, limit: PER_PAGE, ...(cursor === null ? {} : { cursor }) }
  const leases = useQuery(trpc.datasources.leases.queryOptions(input, { placeholderData: keepPreviousData }))
  return (
    <Awaited query={leases} rows={6}>
      {({ items, nextCursor }) =>
        items.length === 0 ? (
          <Empty title="Never leased">
            A platform’s own worker leases a credential with a capability that an operator has signed.
          </Empty>
        ) : (
          <Panel title="Leases" about="Newest first. The credential itself is sealed to its holder." isFlush>
            <Table label="Leases, newest first" headings={HEADINGS}>
              {items.map(lease => (
                <LeaseRow key={lease.leaseId} lease={lease} />
              ))}
            </Table>
            <Pages label="Pages of leases" cursor={cursor} next={nextCursor} onGo={setCursor} />
          </Panel>
        )
      }
    </Awaited>
  )
}

function LeaseRow({ lease }: { lease: Lease }) {
  const { tone, word } = ENDS[lease.endedBy ?? 'live']
  return (
    <tr>
      <td>
        <Badge tone={tone}>{word}</Badge>
      </td>
      <td>
        <code className="small">{lease.capabilityId}</code>
      </td>
      <td>
        <Time at={lease.grantedAt} />
      </td>
      <td>
        <Time at={lease.endedAt ?? lease.expiresAt} />
      </td>
      <td className="number">version {lease.credentialVersion}</td>
    </tr>
  )
}
