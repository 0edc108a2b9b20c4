/**
 * Shows where a typed string leads, before anything is sent. Its space is reserved from the beginning, so nothing moves
 * during typing.
 */
import { Lock, LockOpen } from 'lucide-react'
import { Notice } from '#client/console/kit/feedback.tsx'
import { Facts } from '#client/console/kit/panel.tsx'
import type { StringReading } from './reading.ts'

const TLS = {
  disable: 'not encrypted',
  prefer: 'encrypted if the server supports it',
  allow: 'encrypted if the server requires it',
  require: 'encrypted, the certificate is not verified',
  'verify-ca': 'encrypted, the authority is verified',
  'verify-full': 'encrypted, authority and host are verified',
} as const

const DOTS = '••••••••'

/** The view. */
export function ReadingView({ reading }: { reading: StringReading }) {
  const isRead = reading.state === 'read'
  const dash = <span className="faint">–</span>
  return (
    <div className="reading" aria-live="polite">
      <Facts
        facts={{
          Host: isRead ? <code>{reading.host}</code> : dash,
          Port: isRead ? <code>{reading.port}</code> : dash,
          Database: isRead ? <code>{reading.database}</code> : dash,
          User: isRead ? <code>{reading.user}</code> : dash,
          Password: isRead ? <Hidden /> : dash,
          TLS: isRead ? <Tls mode={reading.tlsMode} /> : dash,
        }}
      />
      {isRead ? reading.suspicions.map(text => <Notice key={text} tone="warn" title={text} />) : null}
    </div>
  )
}

function Hidden() {
  return (
    <>
      <span aria-hidden>{DOTS}</span>
      <span className="unseen">hidden</span>
    </>
  )
}

function Tls({ mode }: { mode: string }) {
  const words = Object.entries(TLS).find(([name]) => name === mode)?.[1] ?? ''
  const Icon = mode === 'disable' ? LockOpen : Lock
  return (
    <span className="tls">
      <Icon className="icon" aria-hidden /> <code>{mode}</code> <span className="soft small">{words}</span>
    </span>
  )
}
