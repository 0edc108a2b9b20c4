/**
 * Lists of an organization's live datasources, by any filter: the statement of each kind of filter is built once.
 * It reads no sealed column. Called by `datasources.list` and by the operator's commands.
 */
import { sql } from 'kysely'
import { type PreparedRead, preparedRead } from '#server/store/connection/prepared-read.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Kind, Status } from '#shared/datasources/datasource.ts'
import { completeRows, type DatasourceRow, selectRows } from './datasources.ts'

/** The filter of a list. `olderThan` and `newerThan` are ids: keys, not offsets, so that a page never shifts. */
export interface ListFilter {
  readonly kind?: Kind | undefined
  readonly mode?: Mode | undefined
  readonly status?: Status | undefined
  readonly namePrefix?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Changed at or after this time. Such a list is in the order of changes, read through an index. */
  readonly updatedSince?: Date | undefined
  readonly olderThan?: string
  readonly newerThan?: string
  /** Restricts the list to these ids, for a capability that names them. */
  readonly ids?: readonly string[]
  /** The maximum number of rows; null for all. */
  readonly limit: number | null
}

/** The displayed name: without a registered name, the display name (`api/present.ts`). */
const SHOWN_NAME = sql<string>`coalesce(d.name, substring(d.endpoint from '^[a-z]+://([^/?#]+)'),
  case when position(':' in d.host) > 0 then '[' || d.host || ']' else d.host end || ':' || d.port || '/' || d.database)`

/** The time of the last change; this is an index expression. */
const CHANGED = sql<Date>`coalesce(d.updated_at, d.created_at)`

/** The position of a datasource in change order. A datasource changed since then moves ahead, so no page skips one. */
const placeOf = (org: string, id: string) =>
  sql`(select coalesce(p.updated_at, p.created_at), p.id from datasources p where p.org_id = ${org} and p.id = ${id})`

/** The rows after a position, in order of registration or of change. */
function inOrder(given: ReturnType<typeof selectRows>, values: ListValues, has: ListFilter) {
  const { org, olderThan, newerThan } = values
  const direction = has.newerThan === undefined ? 'desc' : 'asc'
  let query = given
  if (has.updatedSince === undefined) {
    if (has.olderThan !== undefined) query = query.where('d.id', '<', olderThan)
    if (has.newerThan !== undefined) query = query.where('d.id', '>', newerThan)
    return query.orderBy('d.id', direction)
  }
  query = query.where(sql<boolean>`${CHANGED} >= ${values.updatedSince}`)
  if (has.olderThan !== undefined) query = query.where(sql<boolean>`(${CHANGED}, d.id) < ${placeOf(org, olderThan)}`)
  if (has.newerThan !== undefined) query = query.where(sql<boolean>`(${CHANGED}, d.id) > ${placeOf(org, newerThan)}`)
  return query.orderBy(CHANGED, direction).orderBy('d.id', direction)
}

/** The values of a list's statement, which uses those that its filter has. */
interface ListValues {
  readonly org: string
  readonly kind: Kind
  readonly mode: Mode
  readonly namePrefix: string
  readonly metadataText: string
  readonly updatedSince: Date
  readonly olderThan: string
  readonly newerThan: string
  readonly ids: readonly string[]
  readonly limit: number
}

/** The statement for filters with the same fields as `has`, whose values it takes from `values`. */
function listed(db: Db, values: ListValues, has: ListFilter) {
  let query = inOrder(selectRows(db, values.org).where('d.deleted_at', 'is', null), values, has)
  if (has.kind !== undefined) query = query.where('d.kind', '=', values.kind)
  if (has.mode !== undefined) query = query.where('d.mode', '=', values.mode)
  // A literal in the SQL, so that any plan uses the index of inactive datasources.
  if (has.status !== undefined) query = query.where('d.status', '=', sql.lit(has.status))
  if (has.namePrefix !== undefined) query = query.where(sql<boolean>`starts_with(${SHOWN_NAME}, ${values.namePrefix})`)
  if (has.metadata !== undefined) query = query.where(sql<boolean>`d.metadata @> ${values.metadataText}::jsonb`)
  if (has.ids !== undefined) query = query.where('d.id', '=', sql<string>`any(${values.ids}::uuid[])`)
  return has.limit === null ? query : query.limit(values.limit)
}

type FoundRow = Parameters<typeof completeRows>[2][number]

const FIELDS = ['kind', 'mode', 'namePrefix', 'metadata', 'updatedSince', 'olderThan', 'newerThan', 'ids'] as const

/**
 * The statements of lists by the fields of their filters. Building and compiling one costs as much as reading and
 * parsing fifty rows, so each is built once.
 */
class Lists {
  readonly #made = new Map<string, PreparedRead<ListValues, FoundRow>>()

  of(filter: ListFilter): PreparedRead<ListValues, FoundRow> {
    const fields = FIELDS.filter(name => filter[name] !== undefined)
    const shape = `${fields.join()} ${filter.status} ${filter.limit === null}`
    const known = this.#made.get(shape) ?? preparedRead((db, values: ListValues) => listed(db, values, filter), 'long')
    this.#made.set(shape, known)
    return known
  }
}

const lists = new Lists()

/** Live datasources, the newest or last changed first. With `newerThan`, the rows nearest to it. */
export async function listDatasources(db: Db, org: string, filter: ListFilter): Promise<DatasourceRow[]> {
  const metadataText = filter.metadata === undefined ? undefined : JSON.stringify(filter.metadata)
  const values = { ...filter, org, metadataText } as ListValues // its statement reads only the fields that the filter has
  const found = await completeRows(db, org, await lists.of(filter)(db, values))
  return filter.newerThan === undefined ? found : found.reverse()
}
