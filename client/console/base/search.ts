/**
 * The search parameters of pages: filters, positions in lists, and open tabs. Unknown or invalid parameters of a link
 * are dropped here, so pages need not check them. Used by the routes and their pages.
 */

/** The unchecked parameters from the address. */
type Given = Record<string, unknown>

const STATUSES = ['unverified', 'active', 'rejected'] as const
const MODES = ['live', 'test'] as const
const KINDS = ['direct', 'endpoint'] as const

/** Returns the value if it is one of the words; otherwise undefined. */
export function wordIn<T extends string>(value: unknown, words: readonly T[]): T | undefined {
  return words.find(word => word === value)
}

function textIn(value: unknown, longest: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= longest ? value : undefined
}

/** How a datasource is reached. */
export type RegisterKind = (typeof KINDS)[number]

/** The search parameters of the registration page. */
export interface RegisterSearch {
  readonly kind?: RegisterKind | undefined
}

/** Reads the search parameters of the registration page. */
export function registerSearch(given: Given): RegisterSearch {
  return { kind: wordIn(given['kind'], KINDS) }
}

const ORGANIZATION_TABS = ['keys', 'capabilities', 'audit', 'usage'] as const
/** A tab of the organization. */
export type OrganizationTab = (typeof ORGANIZATION_TABS)[number]

/** The search parameters of the organization page. */
export interface OrganizationSearch {
  readonly tab?: OrganizationTab | undefined
}

/** Reads the search parameters of the organization page. */
export function organizationSearch(given: Given): OrganizationSearch {
  return { tab: wordIn(given['tab'], ORGANIZATION_TABS) }
}

/** The filters of the list, and the position in it: the rows after `after`, or those before `before`. */
export interface ListSearch {
  readonly q?: string | undefined
  readonly status?: (typeof STATUSES)[number] | undefined
  readonly mode?: (typeof MODES)[number] | undefined
  readonly kind?: (typeof KINDS)[number] | undefined
  readonly after?: string | undefined
  readonly before?: string | undefined
}

/** Reads the search parameters of the list. */
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
/** A tab of the datasource page. */
export type DatasourceTab = (typeof TABS)[number]

/** The search parameters of the datasource page. */
export interface DatasourceSearch {
  readonly tab?: DatasourceTab | undefined
}

/** Reads the search parameters of the datasource page. */
export function datasourceSearch(given: Given): DatasourceSearch {
  return { tab: wordIn(given['tab'], TABS) }
}
