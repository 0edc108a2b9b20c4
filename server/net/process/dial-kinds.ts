/**
 * The requests that a dialling process serves: kind → function. Adding a kind is one line here and one function of
 * `Dialler`; neither the processes nor their pool know what they carry.
 *
 * Each function bounds itself by its request's `deadlineMs`. It throws only where our own code is wrong: the process
 * dies then, and is replaced. Called by `serve-dials.ts`; the worker takes the types alone.
 */

import type { EndpointRequest } from '#server/domain/feeds/endpoint.ts'
import type { DescribeRequest } from '#server/net/catalog/read-catalog.ts'
import type { DialContext } from '#server/net/postgres/dial-context.ts'
import { type ProbeRequest, probeDatabase } from '#server/net/postgres/probe.ts'
import { type LocateRequest, resolveHost } from '#server/net/postgres/resolve-host.ts'

/**
 * Every kind: loads what it takes, and answers the function. Requests and answers are plain JSON. Reading a catalog and asking
 * an endpoint are loaded by the processes that do it: most of a process's start is the loading of code, and many only probe.
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
