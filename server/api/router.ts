/**
 * The whole API. Every voice ends here: tRPC over HTTP, and both dialects through a caller in this process.
 * A procedure that is not in it does not exist.
 */
import { datasourcesRouter } from './datasources.ts'
import { feedsRouter } from './feeds.ts'
import { organizationRouter } from './organization.ts'
import { snapshotsRouter } from './snapshots.ts'
import { createCallerFactory, router } from './trpc.ts'

/** The router; `client/index.ts` takes its type and nothing else. */
export const appRouter = router({
  datasources: datasourcesRouter,
  feeds: feedsRouter,
  organization: organizationRouter,
  snapshots: snapshotsRouter,
})
/** Its type, all that the client takes of the server. */
export type AppRouter = typeof appRouter

/** Makes a caller of the router for one context. */
export const createCaller = createCallerFactory(appRouter)
/** A caller in this process, as a dialect holds one. */
export type Caller = ReturnType<typeof createCaller>
