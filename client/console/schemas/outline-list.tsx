/**
 * The list of a schema's objects. Only the lines on the screen are rendered, however many there are. The arrow keys
 * move the selection; a search keeps the headings of its matches.
 */
import { useVirtualizer } from '@tanstack/react-virtual'
import { Eye, Search, SquareFunction, Table2 } from 'lucide-react'
import { type KeyboardEvent, memo, useDeferredValue, useMemo, useRef, useState } from 'react'
import { count, quantity } from '#client/console/base/format.ts'
import { type OutlineLine, searched } from './outline.ts'

const LINE_PX = 30
const estimateSize = () => LINE_PX

interface OutlineProps {
  readonly lines: readonly OutlineLine[]
  readonly chosen: string
  readonly onChoose: (key: string) => void
}

/** The search field and the list. */
export function OutlineList({ lines, chosen, onChoose }: OutlineProps) {
  const [search, setSearch] = useState('')
  const deferred = useDeferredValue(search)
  const found = useMemo(() => searched(lines, deferred), [lines, deferred])
  const objects = found.filter(line => line.kind !== 'schema').length
  return (
    <div className="outline">
      <label className="search">
        <span className="unseen">Search tables, columns and functions</span>
        <Search className="icon" aria-hidden />
        <input
          type="search"
          className="input"
          placeholder="Tables, columns, functions"
          value={search}
          spellCheck={false}
          onChange={event => setSearch(event.target.value)}
        />
      </label>
      <p className="faint small" role="status">
        {deferred === '' ? quantity(objects, 'object') : `${count(objects)} found`}
      </p>
      <Lines lines={found} chosen={chosen} onChoose={onChoose} />
    </div>
  )
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }

/** Memoised: the typed text appears at once, the list follows later and is rendered only once. */
const Lines = memo(function Lines({ lines, chosen, onChoose }: OutlineProps) {
  const place = useRef<HTMLDivElement>(null)
  const getScrollElement = () => place.current
  const virtualizer = useVirtualizer({ count: lines.length, getScrollElement, estimateSize, overscan: 12 })
  const active = lines.some(line => line.key === chosen) ? `line ${chosen}` : undefined
  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key]
    if (step === undefined) return
    event.preventDefault()
    const to = nextObject(lines, { from: lines.findIndex(line => line.key === chosen), step })
    if (to !== null) virtualizer.scrollToIndex(to.at)
    if (to !== null) onChoose(to.line.key)
  }
  return (
    <div
      ref={place}
      className="outline-lines"
      role="listbox"
      aria-label="Objects"
      aria-activedescendant={active}
      tabIndex={0}
      onKeyDown={move}
    >
      <div className="outline-room" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const line = lines[index]
          const style = { transform: `translateY(${start}px)`, height: LINE_PX }
          return line === undefined ? null : (
            <div key={line.key} className="outline-at" style={style}>
              <LineView line={line} isChosen={line.key === chosen} onChoose={onChoose} />
            </div>
          )
        })}
      </div>
    </div>
  )
})

/** Returns the next object in a direction, skipping headings; null at the end. */
function nextObject(
  lines: readonly OutlineLine[],
  { from, step }: { from: number; step: number },
): { at: number; line: OutlineLine } | null {
  const towards = Math.sign(step)
  const goal = Math.min(Math.max(from + step, 0), lines.length - 1)
  for (let at = goal; at >= 0 && at < lines.length; at += towards) {
    const line = lines[at]
    if (line !== undefined && line.kind !== 'schema') return { at, line }
  }
  return null
}

function LineView({
  line,
  isChosen,
  onChoose,
}: {
  line: OutlineLine
  isChosen: boolean
  onChoose: (key: string) => void
}) {
  if (line.kind === 'schema')
    return (
      <div className="outline-heading" role="presentation">
        <span className="cut">{line.schema}</span>
        <span className="faint number">{count(line.count)}</span>
      </div>
    )
  const Icon = line.kind === 'routine' ? SquareFunction : /view/.test(line.relation.kind) ? Eye : Table2
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list around it has the keys
    <div
      id={`line ${line.key}`}
      role="option"
      tabIndex={-1}
      aria-selected={isChosen}
      className="outline-line"
      onClick={() => onChoose(line.key)}
    >
      <Icon className="icon" aria-hidden />
      <span className="cut">{line.kind === 'routine' ? line.routine.name : line.relation.name}</span>
    </div>
  )
}
