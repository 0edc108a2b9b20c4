/**
 * Limits of what a customer's server or endpoint sends: how much is read of it, for how long, and where it waits.
 */
import { DIALS } from '#server/domain/network/dial-budget.ts'
import { MAX_ADDRESSES } from '#server/domain/network/host-policy.ts'
import { LOGINS } from '#server/domain/network/login-limits.ts'
import { MAX_PAGE_EVENTS } from '#server/net/endpoint/request-answer.ts'
import { MAX_WAITING } from '#server/net/process/dial-pool.ts'
import { FIRST_TRY_MS } from '#server/work/checks/first-try.ts'
import { MAX_PAGE_BYTES } from '#server/work/feeds/ask-endpoint.ts'
import { CATALOG_LIMITS } from './catalogs.ts'
import type { Limit } from './limit.ts'

const KEPT_BACK = 'until the window ends; the datasource says so, and `next_check_at` when'
const TOLD = 'until the window ends; `rate_limit_exceeded` where a caller waits'
const HUNG = 'tried again for its whole time, behind what has not hung: `unverified` and no verdict until then'

/** Refused logins in a quarter of an hour. A credential in force and active is dialled whatever is spent. */
const LOGIN_LIMITS: readonly Limit[] = [
  {
    what: 'Refused logins of one login in a quarter of an hour, by whomever',
    ...{ bound: LOGINS.perLogin, unit: 'logins', happens: 'waits', how: KEPT_BACK },
    test: ['attacks/neighbours/one-tenants-mistakes', 'ten times is told the true cause, and when'],
    holds: ['table dial_budgets'],
  },
  {
    what: 'Refused logins of an organization at one host and port in a quarter of an hour',
    ...{ bound: LOGINS.perPlace, unit: 'logins', happens: 'waits', how: KEPT_BACK },
    test: ['attacks/neighbours/one-tenants-mistakes', 'kept back is'],
  },
  {
    what: 'Refused logins at one address in a quarter of an hour, by all organizations',
    ...{ bound: LOGINS.perAddress, unit: 'logins', happens: 'waits', how: KEPT_BACK },
    test: ['attacks/neighbours/refused-logins-counted', 'that all together have spent'],
  },
  {
    what: 'Refused logins at one address in a quarter of an hour, by one organization',
    ...{ bound: LOGINS.perAddressOfOne, unit: 'logins', happens: 'waits', how: KEPT_BACK },
    test: ['attacks/neighbours/refused-logins-counted', 'has spent their part of it'],
  },
  {
    what: 'Dials of an organization at one place in a minute',
    ...{ bound: DIALS.perPlace, unit: 'dials', happens: 'waits', how: TOLD },
    test: ['dials/dial-budget', 'sixty times a minute'],
  },
]

/** Limits of dials. */
export const DIAL_LIMITS: readonly Limit[] = [
  {
    what: 'Addresses of a host',
    ...{ bound: MAX_ADDRESSES, unit: 'addresses', happens: 'refused', how: '`byo_host_not_allowed`' },
    test: ['dials/host-policy', 'addresses'],
    holds: ['server/net/socket/connect-first.ts attempts', 'server/net/socket/connect-first.ts losses'],
  },
  {
    what: 'Dials that wait for a process of a worker',
    ...{ bound: MAX_WAITING, unit: 'dials', happens: 'refused', how: 'tried again later' },
    test: ['house/limits-bounds', 'MAX_WAITING'],
    holds: ['server/net/process/dial-pool.ts #waiting'],
  },
  {
    what: 'First try of a dial',
    ...{ bound: FIRST_TRY_MS.dial, unit: 'ms', happens: 'waits', how: HUNG },
    test: ['tasks/queue-fairness', 'those that were cut off'],
  },
  {
    what: 'First try of reading a catalog',
    ...{ bound: FIRST_TRY_MS.catalog, unit: 'ms', happens: 'waits', how: HUNG },
    test: ['checks/first-try', 'reading a catalog'],
  },
  ...LOGIN_LIMITS,
  ...CATALOG_LIMITS,
  {
    what: "A page of an endpoint's answer",
    ...{ bound: MAX_PAGE_BYTES, unit: 'bytes', happens: 'refused', how: '`endpoint_misbehaved`' },
    test: ['feeds/endpoint-moods', 'is cut off at the cap, however long it goes on'],
    holds: ['server/net/endpoint/exchange.ts readBody()', 'server/net/process/dialler.ts pieces'],
  },
  {
    what: "Events of a page of an endpoint's answer",
    ...{ bound: MAX_PAGE_EVENTS, unit: 'events', happens: 'refused', how: '`endpoint_misbehaved`' },
    test: ['attacks/sizes/pages-that-freeze-the-worker', 'MAX_PAGE_EVENTS'],
  },
]
