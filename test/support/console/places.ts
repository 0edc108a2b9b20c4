/**
 * The pages of the console, each with its address and a check that it is complete. `test/console/pages.test.ts` visits
 * all of them.
 */
import type { Page } from 'playwright-core'
import type { Shop } from './shop.ts'

/** A page. */
export interface Place {
  readonly name: string
  readonly address: (shop: Shop) => string
  /** Resolves when the page is complete. */
  readonly whole: (page: Page) => Promise<void>
  readonly isSignedOut?: boolean
  /** True if the documents contain its pictures. */
  readonly isPictured?: boolean
}

const text = (words: string | RegExp) => (page: Page) => page.getByText(words).first().waitFor()

const shown = (selector: string) => (page: Page) => page.locator(selector).first().waitFor()

/** A page with charts, whose script loads with the first of them. */
const drawn = (words: string) => async (page: Page) => {
  await text(words)(page)
  await shown('canvas[width]')(page)
}

/** All pages. */
export const PLACES: readonly Place[] = [
  { name: 'sign-in', address: () => '/', whole: text('API key'), isSignedOut: true, isPictured: true },
  { name: 'datasources', address: () => '/datasources', whole: text('Chandlery'), isPictured: true },
  { name: 'register', address: () => '/register', whole: text('set role none'), isPictured: true },
  { name: 'register-endpoint', address: () => '/register?kind=endpoint', whole: text('Signing key') },
  { name: 'refused', address: shop => `/datasources/${shop.refused}`, whole: text('What to do'), isPictured: true },
  {
    name: 'timeline',
    address: shop => `/datasources/${shop.active}?tab=timeline`,
    whole: drawn('Passed'),
    isPictured: true,
  },
  {
    name: 'schema',
    address: shop => `/datasources/${shop.active}?tab=schema`,
    whole: text('Constraints'),
    isPictured: true,
  },
  {
    name: 'diagram',
    address: shop => `/datasources/${shop.active}?tab=diagram`,
    whole: shown('.react-flow__edge'),
    isPictured: true,
  },
  {
    name: 'drift',
    address: shop => `/datasources/${shop.active}?tab=drift`,
    whole: shown('.change'),
    isPictured: true,
  },
  {
    name: 'feed',
    address: shop => `/datasources/${shop.endpoint}?tab=feed`,
    whole: drawn('Delay of events'),
    isPictured: true,
  },
  { name: 'leases', address: shop => `/datasources/${shop.active}?tab=leases`, whole: text('Never leased') },
  {
    name: 'settings',
    address: shop => `/datasources/${shop.active}?tab=settings`,
    whole: text('Rotate the credential'),
  },
  { name: 'overview', address: () => '/overview', whole: drawn('Failures by reason'), isPictured: true },
  { name: 'keys', address: () => '/organization?tab=keys', whole: text('Alive') },
  { name: 'capabilities', address: () => '/organization?tab=capabilities', whole: text('New capability') },
  { name: 'audit', address: () => '/organization?tab=audit', whole: text('key.created') },
  { name: 'usage', address: () => '/organization?tab=usage', whole: text('Between two checks') },
]
