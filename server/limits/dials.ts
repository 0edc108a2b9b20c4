/**
 * Limits on data from a customer's server or endpoint: the bytes
 * that are read, the time, and the queues.
 */
import { DIALS } from '#server/domain/network/dial-budget.ts'
import { MAX_ADDRESSES } from '#server/domain/network/host-policy.ts'
import { LOGINS } from '#server/domain/network/login-limits.ts'
import { MAX_PAGE_EVENTS } from '#server/net/endpoint/request-answer.ts'
import { MAX_WAITING } from '#server/net/process/dial-pool.ts'
import { FIRST_TRY_MS } from '#server/work/checks/first-try.ts'
import { MAX_POLL_BYTES } from '#server/work/feeds/ask-endpoint.ts'
import { CATALOG_LIMITS } from './catalogs.ts'
import type { Limit } from './limit.ts'

const KEPT_BACK = 'until the window ends; the datasource shows the reason, and `next_check_at` the time'
const TOLD = 'until the window ends; `rate_limit_exceeded` for a waiting caller'
const HUNG = 'repeated with its whole time, behind tasks that have not hung: `unverified` and no verdict until then'

/** Refused logins per quarter of an hour. A credential that is current and active is always dialled. */
const LOGIN_LIMITS: readonly Limit[] = [
  {
    what: 'Refused logins of one login in a quarter of an hour, by all organizations',
    ...{ bound: LOGINS.perLogin, unit: 'logins', happens: 'waits', how: KEPT_BACK },
    test: ['attacks/neighbours/one-tenants-mistakes', 'ten times sees the true cause and the next time'],
    holds: ['table dial_budgets'],
  },
  {
    what: 'Refused logins of an organization at one host and port in a quarter of an hour',
    ...{ bound: LOGINS.perPlace, unit: 'logins', happens: 'waits', how: KEPT_BACK },
    test: ['attacks/neighbours/one-tenants-mistakes', 'delayed is'],
  },
  {
    what: 'Refused logins at one address in a quarter of an hour, by all organizations',
    ...{ bound: LOGINS.perAddress, unit: 'logins', happens: 'waits', how: KEPT_BACK },
    test: ['attacks/neighbours/refused-logins-counted', 'whose total is used up'],
  },
  {
    what: 'Refused logins at one address in a quarter of an hour, by one organization',
    ...{ bound: LOGINS.perAddressOfOne, unit: 'logins', happens: 'waits', how: KEPT_BACK },
    test: ['attacks/neighbours/refused-logins-counted', 'has used up its share'],
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
    what: 'Dials that wait for a dialling process',
    ...{ bound: MAX_WAITING, unit: 'dials', happens: 'refused', how: 'tried again later' },
    test: ['house/limits-bounds', 'MAX_WAITING'],
    holds: ['server/net/process/dial-pool.ts #waiting'],
  },
  {
    what: 'First try of a dial',
    ...{ bound: FIRST_TRY_MS.dial, unit: 'ms', happens: 'waits', how: HUNG },
    test: ['tasks/queue-fairness', 'the cut-off ones'],
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
    ...{ bound: MAX_POLL_BYTES, unit: 'bytes', happens: 'refused', how: '`endpoint_misbehaved`' },
    test: ['feeds/endpoint-moods', 'is cut off at the limit, however long it continues'],
    holds: ['server/net/endpoint/exchange.ts readBody()', 'server/net/process/dialler.ts pieces'],
  },
  {
    what: "Events of a page of an endpoint's answer",
    ...{ bound: MAX_PAGE_EVENTS, unit: 'events', happens: 'refused', how: '`endpoint_misbehaved`' },
    test: ['attacks/sizes/pages-that-freeze-the-worker', 'MAX_PAGE_EVENTS'],
  },
]
