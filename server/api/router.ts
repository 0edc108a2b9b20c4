/**
 * The whole API. Every surface ends here: tRPC over HTTP, and both dialects through a caller in this process. A
 * procedure that is missing here does not exist.
 */

import { organizationRouter } from '#server/api/access/organization.ts'
import { datasourcesRouter } from '#server/api/datasources/datasources.ts'
import { feedsRouter } from '#server/api/feeds/feeds.ts'
import { localRouter } from '#server/api/local/sign-in.ts'
import { operationsRouter } from '#server/api/operations/operations.ts'
import { callers, router } from '#server/api/procedure/trpc.ts'
import { snapshotsRouter } from '#server/api/schemas/snapshots.ts'

/** The router; `client/index.ts` imports only its type. */
export const appRouter = router({
  datasources: datasourcesRouter,
  feeds: feedsRouter,
  local: localRouter,
  operations: operationsRouter,
  organization: organizationRouter,
  snapshots: snapshotsRouter,
})
/** Its type, the only thing that the client imports from the server. */
export type AppRouter = typeof appRouter

/** A caller in this process, as used by a dialect, with the type of the library's own. */
export type Caller = ReturnType<typeof appRouter.createCaller>

/** Creates a caller of the router for one context. */
export const createCaller = callers<Caller>(appRouter)
