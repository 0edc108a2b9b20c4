/**
 * The search parameters of pages: filters, places in lists, and open tabs. Whatever else a
 * link brings is left out, so that a page never has to look at it again. Used by the routes and their pages.
 */

/** A record of what was in the address. */
type Given = Record<string, unknown>

const STATUSES = ['unverified', 'active', 'rejected'] as const
const MODES = ['live', 'test'] as const
const KINDS = ['direct', 'endpoint'] as const

/** One of the words, or nothing. */
export function wordIn<T extends string>(value: unknown, words: readonly T[]): T | undefined {
  return words.find(word => word === value)
}

function textIn(value: unknown, longest: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= longest ? value : undefined
}

/** How a datasource is reached. */
export type RegisterKind = (typeof KINDS)[number]

/** What the address of the registration holds. */
export interface RegisterSearch {
  readonly kind?: RegisterKind | undefined
}

/** Reads it. */
export function registerSearch(given: Given): RegisterSearch {
  return { kind: wordIn(given['kind'], KINDS) }
}

const ORGANIZATION_TABS = ['keys', 'capabilities', 'audit', 'usage'] as const
/** A tab of the organization. */
export type OrganizationTab = (typeof ORGANIZATION_TABS)[number]

/** What the address of the organization holds. */
export interface OrganizationSearch {
  readonly tab?: OrganizationTab | undefined
}

/** Reads it. */
export function organizationSearch(given: Given): OrganizationSearch {
  return { tab: wordIn(given['tab'], ORGANIZATION_TABS) }
}

/** Filters of the list, and its place: behind `after`, or the rows before `before`. */
export interface ListSearch {
  readonly q?: string | undefined
  readonly status?: (typeof STATUSES)[number] | undefined
  readonly mode?: (typeof MODES)[number] | undefined
  readonly kind?: (typeof KINDS)[number] | undefined
  readonly after?: string | undefined
  readonly before?: string | undefined
}

/** Reads them. */
export function listSearch(given: Given): ListSearch {
  return {
    q: textIn(given['q'], 200),
    status: wordIn(given['status'], STATUSES),
    mode: wordIn(given['mode'], MODES),
    kind: wordIn(given['kind'], KINDS),
    after: textIn(given['after'], 60),
    before: textIn(given['before'], 60),
  }
}

const TABS = ['facts', 'timeline', 'schema', 'diagram', 'drift', 'feed', 'leases', 'settings'] as const
/** A tab of one datasource. */
export type DatasourceTab = (typeof TABS)[number]

/** What the address of one datasource holds. */
export interface DatasourceSearch {
  readonly tab?: DatasourceTab | undefined
}

/** Reads it. */
export function datasourceSearch(given: Given): DatasourceSearch {
  return { tab: wordIn(given['tab'], TABS) }
}
