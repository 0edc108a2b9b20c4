/**
 * Row → datasource, by listing what goes out. A column that is not named here is not shown, whatever a migration adds.
 */

import { eventLag } from '#server/domain/feed.ts'
import { refusal } from '#server/domain/scope.ts'
import type { DatasourceRow } from '#server/store/datasources.ts'
import * as datasources from '#server/store/datasources.ts'
import type { Scope } from '#shared/credential.ts'
import type { Datasource } from '#shared/datasource.ts'
import { Fault } from '#shared/fault.ts'
import { type DatasourceId, typedId, uuidOf } from '#shared/wire.ts'
import type { KnownContext } from './context.ts'

/** The typed id of a row: the prefix tells kind and plane. */
export function datasourceId(row: Pick<DatasourceRow, 'id' | 'kind' | 'mode'>): DatasourceId {
  if (row.kind === 'endpoint') return typedId('dse_', row.id)
  return row.mode === 'live' ? typedId('ds_', row.id) : typedId('ds_test_', row.id)
}

const iso = (at: Date | null) => at?.toISOString() ?? null

/** A datasource as callers see it. */
export function present(row: DatasourceRow): Datasource {
  const common = {
    id: datasourceId(row),
    mode: row.mode,
    status: row.status,
    statusReason: row.status_reason,
    name: row.name ?? displayName(row),
    displayName: displayName(row),
    metadata: row.metadata,
    checks: row.checks ?? [],
    advisories: row.advisories ?? [],
    credentialVersion: row.version ?? row.credential_version,
    credentialFingerprint: row.fingerprint,
    createdAt: row.created_at.toISOString(),
    verifiedAt: iso(row.verified_at),
    nextCheckAt: iso(row.next_check_at),
    removedAt: iso(row.deleted_at),
  }
  if (row.kind === 'endpoint') {
    // The key that was registered last is shown at once; it comes into force when the endpoint takes it.
    const keyLast4 = row.feed?.pending_last4 ?? row.last4
    return { kind: 'endpoint', ...common, endpoint: row.endpoint ?? '', keyLast4, feed: presentFeed(row.feed) }
  }
  return {
    kind: 'direct',
    ...common,
    dbType: row.db_type ?? 'postgresql',
    host: row.host ?? '',
    port: row.port ?? 5432,
    database: row.database ?? '',
    schema: row.schema,
    excludedSchemas: row.excluded_schemas ?? [],
    introspectedAt: iso(row.introspected_at),
  }
}

function presentFeed(feed: DatasourceRow['feed']): Extract<Datasource, { kind: 'endpoint' }>['feed'] {
  return {
    cursor: feed?.cursor ?? null,
    eventLag: eventLag({
      newestEventAtMs: feed?.newest_event_ms ?? null,
      lastSuccessAtMs: feed?.polled_at?.getTime() ?? null,
      drained: feed?.drained ?? true,
    }),
    retryCount: feed?.retry_count ?? 0,
    lastRequestAt: iso(feed?.last_request_at ?? null),
    lastSuccessAt: iso(feed?.last_success_at ?? null),
    lastError: feed?.last_error ?? feed?.rotation_error ?? null,
  }
}

/** A summary in one line, free of credentials and of the user's name. */
export function displayName(row: Pick<DatasourceRow, 'endpoint' | 'host' | 'port' | 'database'>): string {
  if (row.endpoint !== null) return URL.canParse(row.endpoint) ? new URL(row.endpoint).host : 'endpoint'
  const host = row.host?.includes(':') ? `[${row.host}]` : row.host
  return `${host}:${row.port}/${row.database}`
}

/**
 * The row that a typed id names. Another organization's, a removed one's and a mistyped id are the same `entity_not_found`.
 * The connections dialect shows bare UUIDs, so there the prefix is not looked at, and endpoints do not occur.
 */
export async function rowOf(
  ctx: KnownContext,
  id: DatasourceId,
  options: { includeRemoved?: boolean } = {},
): Promise<DatasourceRow> {
  const uuid = uuidOf(id, 'ds_', 'ds_test_', 'dse_')
  const row =
    uuid === null
      ? undefined
      : await datasources.find(ctx.parts.db, ctx.principal.organizationId, { id: uuid, ...options })
  if (row === undefined) throw new Fault('entity_not_found')
  const fits = ctx.voice === 'connections' ? row.kind === 'direct' : datasourceId(row) === id
  if (!fits) throw new Fault('entity_not_found')
  return row
}

/** The same, to be changed: the principal must be allowed to, and a key changes only its own plane. */
export async function changeable(ctx: KnownContext, id: DatasourceId, scope: Scope): Promise<DatasourceRow> {
  const row = await rowOf(ctx, id)
  const denied = refusal(ctx.principal, scope, { datasourceId: row.id, mode: row.mode })
  if (denied !== null) throw new Fault(denied)
  return row
}
