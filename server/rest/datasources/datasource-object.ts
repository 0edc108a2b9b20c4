/**
 * The datasource object of the datasources dialect, from explicitly listed fields. A field that is not named here is
 * not returned.
 */
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { DatasourceObject } from '#shared/dialects/datasources-object.ts'

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
