/**
 * The tabs of a page. The open tab is part of the address, so a tab can be linked to and the back button works: the
 * caller provides the value and is notified of a change.
 */
import { Tabs as Base } from '@base-ui/react/tabs'
import { type ReactNode, useEffect, useRef } from 'react'

/** A tab: its value, label and content. */
export interface Tab<T extends string> {
  readonly value: T
  readonly label: string
}

/** The tabs, and the content of the open one. */
export function Tabs<T extends string>(props: {
  label: string
  tabs: readonly Tab<T>[]
  value: T
  onChange: (value: T) => void
  children: ReactNode
}) {
  const list = useRef<HTMLDivElement>(null)
  const open = props.tabs.findIndex(({ value }) => value === props.value)
  useSeen(list, open)
  return (
    <Base.Root value={props.value} onValueChange={value => props.onChange(value)} className="tabs">
      <Base.List ref={list} className="tab-list" aria-label={props.label}>
        {props.tabs.map(({ value, label }) => (
          <Base.Tab key={value} value={value} className="tab">
            {label}
          </Base.Tab>
        ))}
      </Base.List>
      <Base.Panel value={props.value} className="tab-panel">
        {props.children}
      </Base.Panel>
    </Base.Root>
  )
}

/** Scrolls the open tab into view if there is not enough room for all tabs. */
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
