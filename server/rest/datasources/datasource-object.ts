/**
 * The datasource object of the datasources dialect, from explicitly listed fields, and its id in a path. A field that is
 * not named here is not returned.
 */
import type { Call } from '#server/rest/dialect.ts'
import { type DatasourceId, uuidOf } from '#shared/base/wire.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { DatasourceObject } from '#shared/dialects/datasources-object.ts'
import { Fault } from '#shared/faults/fault.ts'

/** The UUID of a datasource in a path; null for a malformed id. */
export function datasourceUuid({ id = '' }: Call['params']): string | null {
  return uuidOf(id, 'ds_', 'ds_test_', 'dse_')
}

/** The `id` of a path. Throws `entity_not_found` for a malformed one, as for an unknown one. */
export function pathId({ params }: Call): DatasourceId {
  if (datasourceUuid(params) === null) throw new Fault('entity_not_found')
  return params['id'] as DatasourceId // it has the form of one
}

const seconds = (at: string) => Math.floor(Date.parse(at) / 1000)
const maybeSeconds = (at: string | null) => (at === null ? null : seconds(at))

/** A datasource in the form of this dialect. */
export function toDatasourceObject(datasource: Datasource): DatasourceObject {
  const { createdAt, updatedAt } = datasource
  const created = seconds(createdAt)
  const both = {
    object: 'datasource' as const,
    id: datasource.id,
    status: datasource.status,
    livemode: datasource.mode === 'live',
    metadata: datasource.metadata,
    created,
    name: datasource.name,
    status_reason: datasource.statusReason,
    checks: datasource.checks,
    advisories: datasource.advisories,
    verified_at: maybeSeconds(datasource.verifiedAt),
    next_check_at: maybeSeconds(datasource.nextCheckAt),
    updated_at: updatedAt === createdAt ? created : seconds(updatedAt),
    credential_version: datasource.credentialVersion,
    credential_fingerprint: datasource.credentialFingerprint,
  }
  return datasource.kind === 'direct'
    ? { ...both, ...directFields(datasource) }
    : { ...both, ...endpointFields(datasource) }
}

function directFields({ host, database, schema, displayName: display_name }: Extract<Datasource, { kind: 'direct' }>) {
  const provider = 'postgresql' as const
  return { connection: 'direct' as const, provider, host, database, schema: schema ?? 'public', display_name }
}

function endpointFields({ mode, endpoint, keyLast4, feed }: Extract<Datasource, { kind: 'endpoint' }>) {
  return {
    connection: 'endpoint' as const,
    environment: mode,
    endpoint,
    key_last4: keyLast4,
    cursor: feed.cursor,
    event_lag: feed.eventLag,
    retry_count: feed.retryCount,
    last_request_at: maybeSeconds(feed.lastRequestAt),
    last_success_at: maybeSeconds(feed.lastSuccessAt),
    last_error: feed.lastError,
  }
}
