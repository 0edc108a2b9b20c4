/**
 * Live changes: one subscription for the whole console, whose events are put into the cached answers, so that a verdict
 * reached anywhere changes the rows that are on the screen. After a reset, or while it was away, everything is read anew.
 */
import { type Query, type QueryClient, type QueryFilters, useQueryClient } from '@tanstack/react-query'
import { useSubscription } from '@trpc/tanstack-react-query'
import { createContext, type ReactNode, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { Outputs } from '#client/index.ts'
import { type DatasourceItem, useTRPC } from './trpc.ts'

/** `live` while changes arrive; `away` while the connection is being made again. */
export type Connection = 'connecting' | 'live' | 'away'

const ConnectionContext = createContext<Connection>('connecting')

/** Whether changes arrive by themselves. */
export function useConnection(): Connection {
  return useContext(ConnectionContext)
}

/** Subscribes for what is inside. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const trpc = useTRPC()
  const [stream, setStream] = useState<Connection>('connecting')
  const isOnline = useOnline()
  const apply = useApply()
  useSubscription(
    trpc.datasources.watch.subscriptionOptions(undefined, {
      onConnectionStateChange: ({ state }) => {
        // What was read before the connection was made may have changed since: that is told to nobody.
        if (state === 'pending') apply.everything()
        setStream(before => (state === 'pending' ? 'live' : before === 'connecting' ? 'connecting' : 'away'))
      },
      onError: () => setStream('away'),
      onData: ({ data }) => {
        if (data.change === 'reset') apply.everything()
        else apply.change(data.change, data.datasource)
      },
    }),
  )
  const everything = useRef(apply.everything)
  everything.current = apply.everything
  useEffect(() => {
    if (isOnline) everything.current()
  }, [isOnline])
  return <ConnectionContext value={isOnline ? stream : 'away'}>{children}</ConnectionContext>
}

/** What the browser knows of its network. */
function useOnline(): boolean {
  return useSyncExternalStore(listenToNetwork, () => navigator.onLine)
}

function listenToNetwork(wake: () => void): () => void {
  for (const name of ['online', 'offline']) window.addEventListener(name, wake)
  return () => {
    for (const name of ['online', 'offline']) window.removeEventListener(name, wake)
  }
}

type Page = Outputs['datasources']['list']

/** Puts a change into every answer that shows the datasource. */
function useApply() {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const lists = trpc.datasources.list.queryFilter()
  return {
    everything: () => readAgain(queries),
    change: (change: string, datasource: DatasourceItem) => {
      const one = trpc.datasources.get.queryFilter({ id: datasource.id, includeRemoved: true })
      queries.setQueryData(one.queryKey, datasource)
      queries.setQueriesData<Page>(
        lists,
        page => page && { ...page, items: page.items.map(row => newer(row, datasource)) },
      )
      if (queries.isFetching(one) > 0) readAgain(queries, one)
      // A filter may now hold, or no longer: the page is asked for again while its rows stay where they are.
      if (change !== 'verified' || datasource.status !== 'active' || queries.isFetching(lists) > 0)
        readAgain(queries, lists)
      readAgain(queries, trpc.snapshots.pathFilter())
      readAgain(queries, trpc.datasources.verifications.queryFilter())
    },
  }
}

/**
 * Asks again. An answer that is under way may have been read before the change, so it is dropped. The first answer of a page is shown all
 * the same, so that a page shows something however many changes arrive, and is followed by a second one.
 */
function readAgain(queries: QueryClient, filters: QueryFilters = {}): void {
  const isFirst = (one: Query) => one.state.data === undefined
  const first = queries.getQueryCache().findAll({ ...filters, fetchStatus: 'fetching', predicate: isFirst })
  void queries.invalidateQueries(filters)
  for (const { promise, queryKey } of first)
    void Promise.allSettled([promise]).then(() => queries.invalidateQueries({ queryKey, exact: true }))
}

function newer(row: DatasourceItem, changed: DatasourceItem): DatasourceItem {
  return row.id === changed.id ? changed : row
}
