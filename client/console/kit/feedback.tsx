/**
 * Loading, empty and failed states. Every page has all three in the space that its content will take, so nothing moves.
 * A failure shows its request id; no state is shown by colour alone.
 */
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { problemOf } from '#client/console/base/problem.ts'
import type { Tone } from './badge.tsx'
import { Button, CopyButton } from './button.tsx'

const ICONS = { neutral: Info, note: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert } as const

/** A message that needs attention now. */
export function Notice({ tone = 'note', title, children }: { tone?: Tone; title?: ReactNode; children?: ReactNode }) {
  const Icon = ICONS[tone]
  return (
    <div className={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon className="icon" aria-hidden />
      <div className="notice-body">
        {title === undefined ? null : <p className="strong">{title}</p>}
        {children}
      </div>
    </div>
  )
}

/** The failure of a call, with its issues and its request id. */
export function ProblemNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { code, message, issues, requestId } = problemOf(error)
  return (
    <Notice tone="bad" title={message}>
      {issues.map(issue => (
        <p key={`${issue.field} ${issue.message}`}>
          {issue.field === '' ? null : <code>{issue.field}</code>} {issue.message}
        </p>
      ))}
      <div className="notice-foot">
        {code === null ? null : <code className="faint">{code}</code>}
        {requestId === null ? null : (
          <span className="faint">
            Request <code>{requestId}</code>
          </span>
        )}
        {requestId === null ? null : <CopyButton text={requestId} label="Copy request id" />}
        {onRetry === undefined ? null : (
          <Button weight="quiet" onClick={onRetry}>
            Try again
          </Button>
        )}
      </div>
    </Notice>
  )
}

/** An empty state: what will appear here, and how to get there. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <p className="strong">{title}</p>
      {children === undefined ? null : <div className="soft">{children}</div>}
      {action}
    </div>
  )
}

/** Placeholder lines for content that is still loading. */
export function Loading({ rows = 3, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <div className="loading" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <span key={at} className="bone" />
      ))}
    </div>
  )
}

/** A progress bar; without a value, the duration is unknown. */
export function ProgressBar({ label, value }: { label: string; value?: number }) {
  return (
    <div className="progress-row">
      <span className="soft">{label}</span>
      <progress className="progress" aria-label={label} {...(value === undefined ? {} : { value })} />
    </div>
  )
}
