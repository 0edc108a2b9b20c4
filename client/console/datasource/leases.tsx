/**
 * Leases of a datasource, live and ended: who held its credential, and until when. What was leased is shown to nobody.
 */

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type Datasource, useTRPC } from '#client/console/api/trpc.ts'
import { Badge, type Tone } from '#client/console/kit/badge.tsx'
import { Button } from '#client/console/kit/button.tsx'
import { Empty, Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Scroll } from '#client/console/kit/scroll.tsx'
import { Time } from '#client/console/kit/time.tsx'
import type { Outputs } from '#client/index.ts'

type Lease = Outputs['datasources']['leases']['items'][number]

const ENDS: Readonly<Record<NonNullable<Lease['endedBy']> | 'live', { tone: Tone; word: string }>> = {
  live: { tone: 'good', word: 'Live' },
  released: { tone: 'neutral', word: 'Given back' },
  expired: { tone: 'neutral', word: 'Expired' },
  revoked: { tone: 'warn', word: 'Revoked' },
}

const PER_PAGE = 50

/** The tab. */
export function Leases({ datasource: { id } }: { datasource: Datasource }) {
  const trpc = useTRPC()
  const [cursor, setCursor] = useState<Lease['leaseId'] | undefined>(undefined)
  const input = { id, limit: PER_PAGE, ...(cursor === undefined ? {} : { cursor }) }
  const { data, error, refetch } = useQuery(
    trpc.datasources.leases.queryOptions(input, { placeholderData: keepPreviousData }),
  )
  if (data === undefined)
    return error === null ? <Loading rows={6} /> : <ProblemNotice error={error} onRetry={() => void refetch()} />
  if (data.items.length === 0)
    return (
      <Empty title="It was never leased">
        A platform’s own worker leases a credential with a capability that an operator has signed.
      </Empty>
    )
  return (
    <Panel title="Leases" about="Newest first. The credential itself is sealed to its holder." isFlush>
      <LeaseTable leases={data.items} />
      {cursor === undefined && data.nextCursor === null ? null : (
        <nav className="pages" aria-label="Pages of leases">
          <Button disabled={cursor === undefined} onClick={() => setCursor(undefined)}>
            Newest
          </Button>
          <Button disabled={data.nextCursor === null} onClick={() => setCursor(data.nextCursor ?? undefined)}>
            Older
          </Button>
        </nav>
      )}
    </Panel>
  )
}

function LeaseTable({ leases }: { leases: readonly Lease[] }) {
  return (
    <Scroll label="Leases" isFlush>
      <table className="table">
        <caption className="unseen">Leases</caption>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Capability</th>
            <th scope="col">Taken</th>
            <th scope="col">Ends</th>
            <th scope="col">Credential</th>
          </tr>
        </thead>
        <tbody>
          {leases.map(lease => (
            <LeaseRow key={lease.leaseId} lease={lease} />
          ))}
        </tbody>
      </table>
    </Scroll>
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
