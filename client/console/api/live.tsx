/**
 * Live changes: one subscription for the whole console, whose events are put into the cached answers, so that a verdict
 * reached anywhere changes the rows that are on the screen. After a reset, or while it was away, everything is read anew.
 */
import { useQueryClient } from '@tanstack/react-query'
import { useSubscription } from '@trpc/tanstack-react-query'
import { createContext, type ReactNode, useContext, useRef, useState } from 'react'
import type { Outputs } from '#client/index.ts'
import { type Datasource, useTRPC } from './trpc.ts'

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
  const [connection, setConnection] = useState<Connection>('connecting')
  const wasAway = useRef(false)
  const apply = useApply()
  useSubscription(
    trpc.datasources.watch.subscriptionOptions(undefined, {
      onConnectionStateChange: ({ state }) => {
        if (state === 'pending') {
          if (wasAway.current) apply.everything()
          wasAway.current = false
          setConnection('live')
        } else if (state === 'connecting' && wasAway.current) setConnection('away')
      },
      onError: () => {
        wasAway.current = true
        setConnection('away')
      },
      onData: ({ data }) => {
        if (data.change === 'reset') apply.everything()
        else apply.change(data.change, data.datasource)
      },
    }),
  )
  return <ConnectionContext value={connection}>{children}</ConnectionContext>
}

type Page = Outputs['datasources']['list']

/** Puts a change into every answer that shows the datasource. */
function useApply() {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const lists = trpc.datasources.list.queryFilter()
  return {
    everything: () => void queries.invalidateQueries(),
    change: (change: string, datasource: Datasource) => {
      queries.setQueryData(trpc.datasources.get.queryKey({ id: datasource.id, includeRemoved: true }), datasource)
      queries.setQueriesData<Page>(
        lists,
        page => page && { ...page, items: page.items.map(row => newer(row, datasource)) },
      )
      // A filter may now hold, or no longer: the page is asked for again while its rows stay where they are.
      if (change !== 'verified' || datasource.status !== 'active') void queries.invalidateQueries(lists)
      void queries.invalidateQueries(trpc.snapshots.pathFilter())
      void queries.invalidateQueries(trpc.datasources.verifications.queryFilter())
    },
  }
}

function newer(row: Datasource, changed: Datasource): Datasource {
  return row.id === changed.id ? changed : row
}
