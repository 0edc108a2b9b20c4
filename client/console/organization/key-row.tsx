/**
 * One key in the list: its use, and whether it
 * is in force. Called by `keys.tsx`.
 */
import { Badge, ModeTag } from '#client/console/kit/badge.tsx'
import { Button } from '#client/console/kit/button.tsx'
import { Time } from '#client/console/kit/time.tsx'
import type { KeyItem } from './listed-key.ts'

interface KeyRowProps {
  readonly of: KeyItem
  readonly now: number
  readonly onRevoke: (key: KeyItem) => void
}

/** The row of a key. */
export function KeyRow({ of, now, onRevoke }: KeyRowProps) {
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
        <KeyState of={of} isExpired={isExpired} />
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

function KeyState({ of: { revokedAt, expiresAt }, isExpired }: { of: KeyItem; isExpired: boolean }) {
  if (revokedAt !== null) return <Badge>Revoked</Badge>
  if (isExpired) return <Badge>Expired</Badge>
  return (
    <>
      <Badge tone="good">Alive</Badge>
      {expiresAt === null ? null : (
        <span className="faint small">
          {' '}
          ends <Time at={expiresAt} />
        </span>
      )}
    </>
  )
}
