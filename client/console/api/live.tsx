/**
 * Live changes: one subscription for the whole console puts its events into the cached answers, so a verdict reached
 * anywhere updates the rows on the screen. After a reset or a lost connection, everything is read again.
 */
import { type Query, type QueryClient, type QueryFilters, useQueryClient } from '@tanstack/react-query'
import { useSubscription } from '@trpc/tanstack-react-query'
import { createContext, type ReactNode, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { Outputs } from '#client/index.ts'
import { type DatasourceItem, useTRPC } from './trpc.ts'

/** `live` while changes arrive; `away` while the connection is being re-established. */
export type Connection = 'connecting' | 'live' | 'away'

const ConnectionContext = createContext<Connection>('connecting')

/** Returns the state of the live connection. */
export function useConnection(): Connection {
  return useContext(ConnectionContext)
}

/** Subscribes to changes for its children. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const trpc = useTRPC()
  const [stream, setStream] = useState<Connection>('connecting')
  const isOnline = useOnline()
  const apply = useApply()
  useSubscription(
    trpc.datasources.watch.subscriptionOptions(undefined, {
      onConnectionStateChange: ({ state }) => {
        // Answers that were read before the connection was established may have changed since, and no event reports
        // that.
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

/** Returns whether the browser considers itself online. */
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

/** Returns a function that puts a change into every cached answer that shows the datasource. */
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
      // The datasource may now match a filter, or no longer match it: request the page again and keep its rows
      // meanwhile.
      if (change !== 'verified' || datasource.status !== 'active' || queries.isFetching(lists) > 0)
        readAgain(queries, lists)
      readAgain(queries, trpc.snapshots.pathFilter())
      readAgain(queries, trpc.datasources.verifications.queryFilter())
    },
  }
}

/**
 * Requests answers again. An answer already in flight may predate the change, so it is discarded. The first answer of a
 * page is shown anyway, so that the page is never empty however many changes arrive, and a second one follows.
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
