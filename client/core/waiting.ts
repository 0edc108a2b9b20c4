/**
 * Properties of the API's mutations that the client needs before sending one: whether the answer waits for a worker,
 * and whether the server stores the answer under an idempotency key. A test compares both with the router. Called by
 * the links.
 */
import type { Operation } from '@trpc/client'

/** Mutations that always wait for a worker. Others wait only if called with `waitSeconds`. */
export const WAITING_MUTATIONS: readonly string[] = [
  'datasources.lease',
  'datasources.validate',
  'datasources.validateRegistered',
  'feeds.push',
  'snapshots.introspect',
]

/** Mutations that accept no `idempotencyKey`. */
export const KEYLESS_MUTATIONS: readonly string[] = [
  'datasources.lease',
  'datasources.releaseLease',
  'datasources.removeAll',
  'local.signIn',
]

/** How long an operation asks the server to delay its answer, in milliseconds. */
export function askedWaitMs({ input }: Operation): number {
  const seconds: unknown = Reflect.get(Object(input), 'waitSeconds')
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : 0
}

/** True for a mutation that is answered only after a worker has finished, possibly long after the rest of its batch. */
export function isWaiting(operation: Operation): boolean {
  if (operation.type !== 'mutation') return false
  return WAITING_MUTATIONS.includes(operation.path) || askedWaitMs(operation) > 0
}
