/**
 * Answers a single query of tRPC, sent by `GET`, with the status, headers and bytes that the library would write. The
 * library builds a WHATWG request, response and three streams for each call, which take longer than the query itself.
 *
 * It decides nothing: the procedure checks scope and input, and the router's formatter builds errors. Every other call
 * is left to the library. `trpc.ts` calls it.
 */
import { callTRPCProcedure, getTRPCErrorShape, TRPCError } from '@trpc/server'
import type express from 'express'
import type { ReadAhead } from '#server/api/caller/principal.ts'
import type { Context } from '#server/api/context.ts'
import { toFault } from '#server/api/procedure/fault-of.ts'
import { datasourceAhead } from '#server/api/procedure/require-datasource.ts'
import { failureOf } from '#server/api/procedure/trpc.ts'
import { appRouter } from '#server/api/router.ts'
import { datasourceUuid } from '#shared/base/datasource-name.ts'
import { Fault } from '#shared/faults/fault.ts'
import { noteFault } from './observed-request.ts'
import { answerText } from './serve.ts'

/** A query to answer: its procedure, and the text of its input if there is one. */
export interface SingleQuery {
  readonly path: string
  readonly input: string | null
}

/** The read of a query to make together with the look at its caller's key: a datasource whose id is its whole input. */
export function aheadOf({ path, input }: SingleQuery): ReadAhead<unknown> | null {
  const id = path === 'datasources.get' ? ID_ALONE.exec(input ?? '')?.[1] : undefined
  return id === undefined ? null : datasourceAhead(datasourceUuid(id))
}

/** Input in any other form is read when the procedure has parsed it. */
const ID_ALONE = /^\{"id":"(\w{1,64})"\}$/

const PREFIX = '/trpc/'

/** The query that a `GET` asks; null if the library has to look at it. */
export function singleQueryOf({ url, headers }: express.Request): SingleQuery | null {
  if (!url.startsWith(PREFIX)) return null
  const queryAt = url.indexOf('?')
  const path = url.slice(PREFIX.length, queryAt < 0 ? undefined : queryAt)
  const query = new URLSearchParams(queryAt < 0 ? '' : url.slice(queryAt))
  const isPlain =
    QUERIES.has(path) &&
    query.get('batch') !== '1' &&
    headers['trpc-accept'] === undefined &&
    !headers.accept?.includes('jsonl') &&
    // The library refuses other types of a body, and a host that makes no URL.
    /^(application\/json)?$/.test(headers['content-type'] ?? '') &&
    /^[a-z0-9.-]+(:\d{1,5})?$/i.test(headers.host ?? '')
  return isPlain ? { path, input: query.get('input') } : null
}

const QUERIES: ReadonlySet<string> = new Set(
  Object.entries(appRouter._def.procedures).flatMap(([path, made]) =>
    Reflect.get(Object(Reflect.get(made, '_def')), 'type') === 'query' ? [path] : [],
  ),
)

/** Answers it. `contextOf` never throws. */
export async function answerQuery(
  response: express.Response,
  { path, input }: SingleQuery,
  contextOf: () => Promise<Context>,
): Promise<void> {
  const gone = new AbortController()
  // Aborting builds an error with its stack, which nobody needs after the answer.
  response.once('close', () => (response.writableEnded ? undefined : gone.abort()))
  const ctx = await contextOf()
  const getRawInput = async () => parsed(input)
  const call = { router: appRouter, type: 'query', path, ctx, signal: gone.signal, batchIndex: 0, getRawInput } as const
  response.setHeader('Vary', 'trpc-accept, accept').setHeader('Content-Type', 'application/json')
  try {
    const data: unknown = await callTRPCProcedure(call)
    send(response, ctx, { result: { data } })
  } catch (thrown) {
    // Errors thrown by a procedure are logged and recorded there.
    const error = thrown instanceof TRPCError ? thrown : await failureOf(ctx, { path }, thrown)
    const named = await getRawInput().catch(() => undefined)
    noteFault(response, { fault: toFault(error), named, route: path })
    const retryAfter = error.cause instanceof Fault ? error.cause.headers['Retry-After'] : undefined
    if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter)
    const shape = getTRPCErrorShape({ config: appRouter._def._config, ctx, error, input: named, path, type: 'query' })
    response.statusCode = shape.data.httpStatus
    send(response, ctx, { error: shape })
  }
}

function parsed(text: string | null): unknown {
  if (text === null || text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('invalid_json')
  }
}

function send(response: express.Response, { answers }: Context, body: object): void {
  const text = answerText(body, answers.texts)
  response.setHeader('Content-Length', Buffer.byteLength(text)).end(text)
}
