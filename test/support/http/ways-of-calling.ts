/**
 * Every way in which a program calls with the typed client, each with a connection string: client-side sealing must
 * cover them all. It runs in Node and, bundled, in a browser.
 */
import { QueryClient } from '@tanstack/react-query'
import { createTRPCClient, getUntypedClient, httpBatchLink, httpLink, type TRPCLink } from '@trpc/client'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { createClient, sealingLink } from '#client/index.ts'
import type { AppRouter } from '#server/api/router.ts'

/** The installation, the key and the string of a call. */
export interface CallTarget {
  readonly url: string
  readonly key: string
  readonly connectionString: string
}

/** The ways, by name; each returns the server's answer. */
export function waysOfCalling(deps: CallTarget): Record<string, () => Promise<unknown>> {
  const { url, key, connectionString } = deps
  const client = createClient({ url, key })
  const input = { connectionString }
  const options = createTRPCOptionsProxy<AppRouter>({ client, queryClient: new QueryClient() })
  const own = (end: TRPCLink<AppRouter>) => createTRPCClient<AppRouter>({ links: [sealingLink(), end] })
  const to = { url: `${url}/trpc`, headers: { authorization: `Bearer ${key}` } }
  return {
    direct: () => client.datasources.validate.mutate(input),
    'a destructured procedure': () => {
      const { validate } = client.datasources
      return validate.mutate(input)
    },
    'a destructured method': () => {
      const { mutate } = client.datasources.validate
      return mutate(input)
    },
    'a destructured group': () => (({ datasources }) => datasources.validate.mutate(input))(client),
    'the untyped client': () => getUntypedClient(client).mutation('datasources.validate', input),
    "TanStack Query's options": () => runMutation(options.datasources.validate.mutationOptions().mutationFn, input),
    "a client of the program's own, in batches": () => own(httpBatchLink(to)).datasources.validate.mutate(input),
    "a client of the program's own, one by one": () => own(httpLink(to)).datasources.validate.mutate(input),
    register: () => client.datasources.register.mutate({ ...input, waitSeconds: 20 }),
    'register with a key for retries': () =>
      client.datasources.register.mutate({ ...input, idempotencyKey: `${Math.random()}` }),
    rotate: async () => {
      const { id } = await client.datasources.register.mutate({ ...input, waitSeconds: 20 })
      return client.datasources.rotate.mutate({ ...input, id, waitSeconds: 20 })
    },
    'a URL in place of a string': () =>
      getUntypedClient(client).mutation('datasources.validate', {
        ...input,
        connectionString: new URL(connectionString),
      }),
    'an object that spells itself': () =>
      getUntypedClient(client).mutation('datasources.validate', { toJSON: () => input }),
  }
}

type MutationFn = (input: never, context: never) => Promise<unknown>

async function runMutation(mutationFn: unknown, input: object): Promise<unknown> {
  if (typeof mutationFn !== 'function') throw new Error('the options have no function')
  // Sound: TanStack Query calls it with these two.
  return (mutationFn as MutationFn)(input as never, {} as never)
}
