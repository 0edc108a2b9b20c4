/** The whole API. Every voice ends here: tRPC over HTTP, and both dialects through a caller in this process. */
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
export type AppRouter = typeof appRouter

/** Makes a caller of the router for one context. */
export const createCaller = createCallerFactory(appRouter)
export type Caller = ReturnType<typeof createCaller>
