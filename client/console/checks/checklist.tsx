/**
 * The checklist of a verification: each line with what was seen, and a failed one with its fix to copy. While the verdict is
 * awaited the lines that will be there are there already, so that nothing jumps when it comes.
 */
import { Check as CheckMark, Circle, Minus, X } from 'lucide-react'
import { CodeBlock } from '#client/console/kit/code.tsx'
import { Notice } from '#client/console/kit/feedback.tsx'
import type { Advisory, Check } from '#shared/checks/check.ts'
import { DIRECT_ITEMS, ENDPOINT_ITEMS } from '#shared/checks/items.ts'
import { itemName } from './item-names.ts'

const ICONS = { pass: CheckMark, fail: X, skipped: Minus } as const
const WORDS = { pass: 'passed', fail: 'failed', skipped: 'not tried' } as const

/** The lines of a verdict; without one, the lines of the kind, still to be tried. */
export function Checklist({ checks, kind }: { checks: readonly Check[]; kind: 'direct' | 'endpoint' }) {
  const awaited = kind === 'direct' ? DIRECT_ITEMS : ENDPOINT_ITEMS
  if (checks.length === 0)
    return (
      <ol className="checklist" aria-busy="true">
        {awaited.map(item => (
          <li key={item} className="check waiting">
            <Circle className="icon" aria-hidden />
            <span>{itemName(item)}</span>
            <span className="unseen">not tried yet</span>
          </li>
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

/** What is allowed and should be changed. */
export function Advisories({ advisories }: { advisories: readonly Advisory[] }) {
  return advisories.map(({ item, recommendation }) => (
    <Notice key={`${item} ${recommendation}`} tone="warn" title={itemName(item)}>
      <p className="pre">{recommendation}</p>
    </Notice>
  ))
}
