/**
 * Search and filters of the list. They are part of the address, so a filtered list can be linked to. The search runs
 * after a pause in typing.
 */
import { useNavigate } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { ListSearch } from '#client/console/base/search.ts'
import { type ChoiceOption, PlainChoice } from '#client/console/kit/plain-choice.tsx'

const PAUSE_MS = 200

type Status = NonNullable<ListSearch['status']>
type Mode = NonNullable<ListSearch['mode']>
type Kind = NonNullable<ListSearch['kind']>

const STATUSES: readonly ChoiceOption<Status | 'any'>[] = [
  { value: 'any', label: 'Any state' },
  { value: 'active', label: 'Active' },
  { value: 'unverified', label: 'Not verified' },
  { value: 'rejected', label: 'Rejected' },
]
const MODES: readonly ChoiceOption<Mode | 'any'>[] = [
  { value: 'any', label: 'Any mode' },
  { value: 'live', label: 'Live' },
  { value: 'test', label: 'Test' },
]
const KINDS: readonly ChoiceOption<Kind | 'any'>[] = [
  { value: 'any', label: 'Any kind' },
  { value: 'direct', label: 'Connection string' },
  { value: 'endpoint', label: 'Signed endpoint' },
]

function chosen<T extends string>(value: T | 'any'): T | undefined {
  return value === 'any' ? undefined : value
}

/** The row of filters above the list. */
export function Filters({ search }: { search: ListSearch }) {
  const navigate = useNavigate({ from: '/datasources' })
  // A position in the list belongs to the old filters and is dropped with them.
  const set = (change: ListSearch) => {
    const { after: _, before: __, ...filters } = search
    void navigate({ search: { ...filters, ...change }, replace: true })
  }
  const { status = 'any', mode = 'any', kind = 'any' } = search
  return (
    <search className="filters">
      <NameSearch value={search.q ?? ''} onChange={q => set({ q: q === '' ? undefined : q })} />
      <PlainChoice label="State" value={status} options={STATUSES} onChange={one => set({ status: chosen(one) })} />
      <PlainChoice label="Mode" value={mode} options={MODES} onChange={one => set({ mode: chosen(one) })} />
      <PlainChoice label="Kind" value={kind} options={KINDS} onChange={one => set({ kind: chosen(one) })} />
    </search>
  )
}

function NameSearch({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  useEffect(() => {
    if (typed === value) return
    const timer = setTimeout(() => onChange(typed), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, value, onChange])
  return (
    <label className="search">
      <span className="unseen">Search by name</span>
      <Search className="icon" aria-hidden />
      <input
        type="search"
        className="input"
        placeholder="Search by name"
        value={typed}
        maxLength={200}
        spellCheck={false}
        onChange={event => setTyped(event.target.value)}
      />
    </label>
  )
}
