/**
 * The checklist of a verification: each line with its finding, and for a failed check a fix to copy. While the verdict
 * is pending, all lines are shown already and are ticked as the check passes them, so nothing moves when the verdict
 * arrives.
 */
import { Check as CheckMark, Circle, Minus, X } from 'lucide-react'
import { CodeBlock } from '#client/console/kit/code.tsx'
import { Notice } from '#client/console/kit/feedback.tsx'
import type { Advisory, Check } from '#shared/checks/check.ts'
import { DIRECT_ITEMS, ENDPOINT_ITEMS } from '#shared/checks/items.ts'
import { itemName } from './item-names.ts'

const ICONS = { pass: CheckMark, fail: X, skipped: Minus } as const
const WORDS = { pass: 'passed', fail: 'failed', skipped: 'not tried' } as const

interface ChecklistProps {
  readonly checks: readonly Check[]
  readonly kind: 'direct' | 'endpoint'
  /** The items that the running check has passed so far; used while there is no verdict. */
  readonly reached?: readonly string[]
}

/** Shows the lines of a verdict; without one, the lines for the kind with the progress of the check. */
export function Checklist({ checks, kind, reached = [] }: ChecklistProps) {
  const awaited = kind === 'direct' ? DIRECT_ITEMS : ENDPOINT_ITEMS
  if (checks.length === 0)
    return (
      <ol className="checklist" aria-busy="true">
        {awaited.map(item => (
          <AwaitedLine key={item} item={item} isPassed={reached.includes(item)} />
        ))}
      </ol>
    )
  return (
    <ol className="checklist">
      {checks.map(check => (
        <Line key={check.item} check={check} />
      ))}
    </ol>
  )
}

function AwaitedLine({ item, isPassed }: { item: string; isPassed: boolean }) {
  const Icon = isPassed ? CheckMark : Circle
  return (
    <li className={isPassed ? 'check pass' : 'check waiting'}>
      <Icon className="icon" aria-hidden />
      <span>{itemName(item)}</span>
      <span className="unseen">{isPassed ? 'passed so far' : 'not tried yet'}</span>
    </li>
  )
}

function Line({ check: { item, outcome, actual, fix } }: { check: Check }) {
  const Icon = ICONS[outcome]
  return (
    <li className={`check ${outcome}`}>
      <Icon className="icon" aria-hidden />
      <span className="check-name">
        {itemName(item)}
        <span className="unseen"> {WORDS[outcome]}</span>
      </span>
      {actual === undefined ? null : <span className="check-actual soft small">{actual}</span>}
      {fix === undefined ? null : (
        <div className="check-fix">
          <CodeBlock label="What to do" text={fix} />
        </div>
      )}
    </li>
  )
}

/** Shows the properties that are allowed but should be changed. */
export function Advisories({ advisories }: { advisories: readonly Advisory[] }) {
  return advisories.map(({ item, recommendation }) => (
    <Notice key={`${item} ${recommendation}`} tone="warn" title={itemName(item)}>
      <p className="pre">{recommendation}</p>
    </Notice>
  ))
}
