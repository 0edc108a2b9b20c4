/**
 * The `Idempotency-Key` header of a request to a dialect: the claim that it makes, and the early look at it. It decides
 * nothing about a claim, which `server/api/procedure/claim.ts` does; `serve.ts` calls it.
 */
import type express from 'express'
import type { ReadAhead } from '#server/api/caller/principal.ts'
import type { Context } from '#server/api/context.ts'
import { ClaimAhead } from '#server/api/procedure/claim.ts'
import { Fault } from '#shared/faults/fault.ts'

/** The `Idempotency-Key` of a POST or PATCH, for its method and path. Throws `invalid_request` for one over 255 characters. */
export function idempotencyOf(request: express.Request, body: unknown): Context['idempotency'] {
  const key = request.headers['idempotency-key']
  if (!isClaimable(request) || key === undefined) return null
  if (!isKey(key)) {
    const message = 'An Idempotency-Key has 1 to 255 characters.'
    throw new Fault('invalid_request', { issues: [{ path: ['Idempotency-Key'], code: 'length', message }] })
  }
  const query = /\?.*$/s.exec(request.url)?.[0] ?? ''
  return { key, route: routeOf(request), body, query }
}

/** The read of the claim that a request may make; null if it makes none. */
export function claimAheadOf(request: express.Request): ReadAhead<unknown> | null {
  const key = request.headers['idempotency-key']
  return isKey(key) && isClaimable(request) ? new ClaimAhead({ key, route: routeOf(request) }) : null
}

function isClaimable({ method }: express.Request): boolean {
  return method === 'POST' || method === 'PATCH'
}

function isKey(key: unknown): key is string {
  return typeof key === 'string' && key.length >= 1 && key.length <= 255
}

function routeOf(request: express.Request): string {
  return `${request.method} ${request.path}`
}
