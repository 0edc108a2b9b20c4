/**
 * The list of changes of a comparison. Only the lines on the screen are rendered, because a schema may have many
 * thousands of changes. Names and definitions come from a customer's server and are shown as text.
 */
import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef, useState } from 'react'
import { count } from '#client/console/base/format.ts'
import { Badge, type Tone } from '#client/console/kit/badge.tsx'
import { Choice } from '#client/console/kit/choice.tsx'
import type { Change } from '#shared/schemas/drift/drift.ts'

const TONES: Readonly<Record<Change['class'], Tone>> = { breaking: 'bad', risky: 'warn', safe: 'good' }
const ORDER: readonly Change['class'][] = ['breaking', 'risky', 'safe']
const SIGNS = { added: '+', removed: '−', changed: '~' } as const
const LINE_PX = 60

/** The list, with a filter by class; breaking changes come first. */
export function ChangeList({ changes }: { changes: readonly Change[] }) {
  const [only, setOnly] = useState<Change['class'] | 'all'>('all')
  const displayed = useMemo(() => {
    const sorted = changes.toSorted((one, other) => ORDER.indexOf(one.class) - ORDER.indexOf(other.class))
    return only === 'all' ? sorted : sorted.filter(one => one.class === only)
  }, [changes, only])
  const options = [
    { value: 'all', label: `All ${count(changes.length)}` },
    ...ORDER.map(value => ({ value, label: `Only ${value}` })),
  ] as const
  return (
    <div className="changes">
      <div className="changes-filter">
        <Choice isBare label="Class" value={only} options={options} onChange={setOnly} />
      </div>
      <Lines changes={displayed} />
    </div>
  )
}

function Lines({ changes }: { changes: readonly Change[] }) {
  const place = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer({
    count: changes.length,
    getScrollElement: () => place.current,
    estimateSize: () => LINE_PX,
    overscan: 8,
  })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section ref={place} className="changes-lines" tabIndex={0} aria-label="Changes">
      <ul className="outline-room" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map(({ index, key, start }) => {
          const change = changes[index]
          return change === undefined ? null : (
            <li
              key={key}
              ref={virtualizer.measureElement}
              data-index={index}
              className="changes-at"
              style={{ transform: `translateY(${start}px)` }}
            >
              <ChangeView change={change} />
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function ChangeView({ change }: { change: Change }) {
  const { kind, object, path, what, before, after, reason } = change
  return (
    <div className="change">
      <Badge tone={TONES[change.class]}>{change.class}</Badge>
      <div className="change-body">
        <p>
          <span className="mono" role="img" aria-label={kind}>
            {SIGNS[kind]}
          </span>{' '}
          <span className="soft">{object}</span> <code>{path.join('.')}</code>
          {what === undefined ? null : <span className="soft"> {what}</span>}
        </p>
        <p className="faint small">{reason}</p>
        {what === undefined ? null : (
          <p className="small change-sides">
            <code className="bad">{sideOf(before)}</code> → <code className="good">{sideOf(after)}</code>
          </p>
        )}
      </div>
    </div>
  )
}

const LONGEST = 400

function sideOf(side: unknown): string {
  if (side === undefined) return 'nothing'
  const text = typeof side === 'string' ? side : JSON.stringify(side)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}
