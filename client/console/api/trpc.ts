/**
 * The API for components: the packaged client behind TanStack Query, which is the console's only way to the server.
 * `useTRPC` returns options for `useQuery`, `useMutation` and `useSubscription`.
 */
import { QueryClient } from '@tanstack/react-query'
import { createTRPCContext } from '@trpc/tanstack-react-query'
import { isSessionOver } from '#client/console/base/problem.ts'
import type { AppRouter, Outputs } from '#client/index.ts'

const { TRPCProvider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>()

export { TRPCProvider, useTRPC, useTRPCClient }

/** A registered database, as lists and pages show it. */
export type DatasourceItem = Outputs['datasources']['get']

const FRESH_MS = 15_000

/** Creates the cache of answers. It does not retry, because the client already retries every call that it can. */
export function createQueryClient(onSessionOver: () => void): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      queries: { retry: false, staleTime: FRESH_MS },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
  const look = (error: unknown) => {
    if (isSessionOver(error)) onSessionOver()
  }
  client.getQueryCache().config.onError = look
  client.getMutationCache().config.onError = look
  return client
}
