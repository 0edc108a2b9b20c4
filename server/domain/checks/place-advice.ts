/**
 * Advice about the kind of server that was reached: a pooler that changes backends between transactions, or a standby.
 *
 * Never refuses. Called by `verification.ts`.
 */
import type { Advisory } from '#shared/checks/check.ts'
import type { Probe } from './probe.ts'

interface Place {
  readonly host: string
  readonly port: number
}

/** True for the ports and hosts of providers' poolers in transaction mode. */
function isKnownPooler({ host, port }: Place): boolean {
  const name = host.toLowerCase()
  if (/\.supabase\.(co|com)$/.test(name)) return port === 6543
  return name.includes('-pooler.') && /\.neon\.(tech|build)$/.test(name)
}

/** Advisories about the server that was reached. */
export function placeAdvice(probe: Probe, place: Place): Advisory[] {
  const isReached = probe.facts !== null
  const isPooled = probe.isTransactionPooled === true || (isReached && isKnownPooler(place))
  return [
    ...(isPooled
      ? [
          {
            item: 'pooler_transaction',
            recommendation:
              'A pooler in transaction mode answers: each transaction may use a different backend. Session settings, LISTEN, advisory locks, ' +
              'temporary tables and replication do not persist there. Use the direct host or the session pooler if the platform needs them.',
          },
        ]
      : []),
    ...(probe.isStandby === true
      ? [
          {
            item: 'standby',
            recommendation:
              'The server is a standby: it accepts no writes, its rows lag behind, and long reads may be cancelled. ' +
              'Use the host of the primary if the platform writes.',
          },
        ]
      : []),
  ]
}
