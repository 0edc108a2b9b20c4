/**
 * Finds the row of a typed id for one caller: another organization's, a removed and a mistyped one are equally absent.
 * Procedures begin here.
 */

import { ReadAhead } from '#server/api/caller/principal.ts'
import type { KnownContext } from '#server/api/context.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import type { SeenKey } from '#server/store/access/api-keys.ts'
import type { DatasourceRow } from '#server/store/datasources/datasources.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Scope } from '#shared/access/credential.ts'
import { type DatasourceId, datasourceId, datasourceUuid } from '#shared/base/datasource-name.ts'
import { Fault } from '#shared/faults/fault.ts'

/**
 * The datasource of a request that reads one, read together with the caller's key. It is the row that `requireDatasource`
 * would read a moment later, and decides nothing: the key may not have the scope for it.
 */
class DatasourceAhead extends ReadAhead<{ readonly row: DatasourceRow | undefined }> {
  readonly #id: string

  constructor(id: string) {
    super()
    this.#id = id
  }

  protected look(db: Db, seen: SeenKey) {
    return datasources.findWithKey(db, seen, this.#id)
  }

  /** The row with this id, or that there is none; undefined if it was not read. */
  of(id: string) {
    return id === this.#id ? this.found : undefined
  }
}

/** The read of a datasource by its UUID; null for a text that is none. */
export function datasourceAhead(id: string | null): DatasourceAhead | null {
  return id === null ? null : new DatasourceAhead(id)
}

/**
 * The row that a typed id names. Another organization's, a removed one's and a mistyped id all give `entity_not_found`.
 * The connections dialect shows bare UUIDs, so it ignores the prefix and never returns endpoints.
 */
export async function requireDatasource(
  ctx: KnownContext,
  id: DatasourceId,
  options: { includeRemoved?: boolean } = {},
): Promise<DatasourceRow> {
  const uuid = datasourceUuid(id)
  const row = uuid === null ? undefined : await rowOf(ctx, { id: uuid, ...options })
  if (row === undefined) throw new Fault('entity_not_found')
  const fits = ctx.surface === 'connections' ? row.kind === 'direct' : datasourceId(row) === id
  if (!fits) throw new Fault('entity_not_found')
  return row
}

async function rowOf(ctx: KnownContext, ask: { id: string; includeRemoved?: boolean }) {
  const ahead = ctx.ahead instanceof DatasourceAhead && ask.includeRemoved !== true ? ctx.ahead.of(ask.id) : undefined
  return ahead === undefined ? datasources.find(ctx.db, ctx.principal.organizationId, ask) : ahead.row
}

/**
 * As `requireDatasource`, for a change: the principal must be allowed to make it, and a key changes only its own mode.
 */
export async function requireChangeable(ctx: KnownContext, id: DatasourceId, scope: Scope): Promise<DatasourceRow> {
  const row = await requireDatasource(ctx, id)
  requireScope(ctx.principal, scope, { datasourceId: row.id, mode: row.mode })
  return row
}
