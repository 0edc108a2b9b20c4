/**
 * The requests that a dialling process serves, as a map from kind to function. A new kind takes one line here and one
 * function of `Dialler`; neither the processes nor their pool know what they carry.
 *
 * Each function limits itself by its request's `deadlineMs`. It throws only for a bug in our own code: the process then
 * dies and is replaced. Called by `serve-dials.ts`; the worker only imports the types.
 */

import type { EndpointRequest } from '#server/domain/feeds/endpoint.ts'
import type { DescribeRequest } from '#server/net/catalog/read-catalog.ts'
import type { DialContext } from '#server/net/postgres/dial-context.ts'
import { type ProbeRequest, probeDatabase } from '#server/net/postgres/probe.ts'
import { type LocateRequest, resolveHost } from '#server/net/postgres/resolve-host.ts'

/**
 * For each kind, a function that loads its code and returns the handler. Requests and answers are plain JSON. The code
 * for catalogs and endpoints is loaded on demand: loading code is most of a process's start time, and many processes
 * only probe.
 */
export const DIAL_KINDS = {
  probe: async () => (request: ProbeRequest, context: DialContext) => probeDatabase(request, context),
  describe: async () => {
    const { readCatalog } = await import('#server/net/catalog/read-catalog.ts')
    return (request: DescribeRequest, context: DialContext) => readCatalog(request, context)
  },
  locate: async () => (request: LocateRequest, context: DialContext) => resolveHost(request, context),
  request: async () => {
    const { requestFromChild } = await import('#server/net/endpoint/request-answer.ts')
    return (request: EndpointRequest, context: DialContext) => requestFromChild(request, context)
  },
} as const

/** The name of a kind. */
export type DialKind = keyof typeof DIAL_KINDS
/** The request of a kind. */
export type DialAsk<K extends DialKind> = Parameters<Awaited<ReturnType<(typeof DIAL_KINDS)[K]>>>[0]
