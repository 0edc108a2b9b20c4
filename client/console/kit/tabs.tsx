/**
 * Tabs of a page. Which one is open belongs to the address, so that a tab can be linked to and the back button works:
 * the caller gives the value and is told of another one.
 */
import { Tabs as Base } from '@base-ui/react/tabs'
import { type ReactNode, useEffect, useRef } from 'react'

/** One tab. */
export interface Tab<T extends string> {
  readonly value: T
  readonly label: string
}

/** The tabs and the open one's content. */
export function Tabs<T extends string>(of: {
  label: string
  tabs: readonly Tab<T>[]
  value: T
  onChange: (value: T) => void
  children: ReactNode
}) {
  const list = useRef<HTMLDivElement>(null)
  const open = of.tabs.findIndex(({ value }) => value === of.value)
  useSeen(list, open)
  return (
    <Base.Root value={of.value} onValueChange={value => of.onChange(value)} className="tabs">
      <Base.List ref={list} className="tab-list" aria-label={of.label}>
        {of.tabs.map(({ value, label }) => (
          <Base.Tab key={value} value={value} className="tab">
            {label}
          </Base.Tab>
        ))}
      </Base.List>
      <Base.Panel value={of.value} className="tab-panel">
        {of.children}
      </Base.Panel>
    </Base.Root>
  )
}

/** Where there are more tabs than there is room, the open one is seen. */
function useSeen(list: { readonly current: HTMLElement | null }, open: number): void {
  useEffect(() => {
    const place = list.current
    const tab = place?.children[open]
    if (place === null || !(tab instanceof HTMLElement)) return
    const see = () => {
      place.scrollLeft = tab.offsetLeft - place.offsetLeft - tab.offsetWidth
    }
    const room = new ResizeObserver(see)
    room.observe(place)
    return () => room.disconnect()
  }, [list, open])
}
