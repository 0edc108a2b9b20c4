/**
 * Limits of what a customer's server or endpoint sends: how much is read of it, for how long, and where it waits.
 */
import { MAX_ADDRESSES } from '#server/domain/host-policy.ts'
import { MAX_WAITING } from '#server/net/dial-pool.ts'
import { MAX_PAGE_EVENTS } from '#server/net/request-answer.ts'
import { MAX_PAGE_BYTES } from '#server/work/ask-endpoint.ts'
import { CATALOG_LIMITS } from './catalogs.ts'
import type { Limit } from './limit.ts'

/** Limits of dials. */
export const DIAL_LIMITS: readonly Limit[] = [
  {
    what: 'Addresses of a host',
    ...{ bound: MAX_ADDRESSES, unit: 'addresses', happens: 'refused', how: '`byo_host_not_allowed`' },
    test: ['host-policy', 'addresses'],
    holds: ['server/net/connect-first.ts attempts', 'server/net/connect-first.ts losses'],
  },
  {
    what: 'Dials that wait for a process of a worker',
    ...{ bound: MAX_WAITING, unit: 'dials', happens: 'refused', how: 'tried again later' },
    test: ['limits-bounds', 'MAX_WAITING'],
    holds: ['server/net/dial-pool.ts #waiting'],
  },
  ...CATALOG_LIMITS,
  {
    what: "A page of an endpoint's answer",
    ...{ bound: MAX_PAGE_BYTES, unit: 'bytes', happens: 'refused', how: '`endpoint_misbehaved`' },
    test: ['endpoint-moods', 'is cut off at the cap, however long it goes on'],
    holds: ['server/net/exchange.ts readBody()', 'server/net/dialler.ts pieces'],
  },
  {
    what: "Events of a page of an endpoint's answer",
    ...{ bound: MAX_PAGE_EVENTS, unit: 'events', happens: 'refused', how: '`endpoint_misbehaved`' },
    test: ['attacks/pages-that-freeze-the-worker', 'MAX_PAGE_EVENTS'],
  },
]
