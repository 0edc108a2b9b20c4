/**
 * One key in the list: its use, and whether it
 * is in force. Called by `keys.tsx`.
 */
import { Badge, ModeTag } from '#client/console/kit/badge.tsx'
import { Button } from '#client/console/kit/button.tsx'
import { Time } from '#client/console/kit/time.tsx'
import type { KeyItem } from './listed-key.ts'

interface KeyRowProps {
  readonly apiKey: KeyItem
  readonly now: number
  readonly onRevoke: (key: KeyItem) => void
}

/** The row of a key. */
export function KeyRow({ apiKey, now, onRevoke }: KeyRowProps) {
  const isExpired = apiKey.expiresAt !== null && Date.parse(apiKey.expiresAt) <= now
  const isAlive = apiKey.revokedAt === null && !isExpired
  return (
    <tr className={isAlive ? undefined : 'ended'}>
      <td>
        <span className="strong">{apiKey.name ?? 'Without a name'}</span>{' '}
        <code className="faint small">…{apiKey.last4}</code>
      </td>
      <td>
        <ModeTag mode={apiKey.mode} />
      </td>
      <td className="small soft" title={apiKey.scopes.join(', ')}>
        {apiKey.scopes.length} of 10
      </td>
      <td>
        <Time at={apiKey.createdAt} />
      </td>
      <td>
        <Time at={apiKey.lastUsedAt} none="never" />
      </td>
      <td>
        <KeyState apiKey={apiKey} isExpired={isExpired} />
      </td>
      <td className="row-actions">
        {isAlive ? (
          <Button weight="quiet" onClick={() => onRevoke(apiKey)}>
            Revoke…
          </Button>
        ) : null}
      </td>
    </tr>
  )
}

function KeyState({ apiKey: { revokedAt, expiresAt }, isExpired }: { apiKey: KeyItem; isExpired: boolean }) {
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
