/**
 * A datasource of the datasources dialect as callers read it: its id in a path, its object, from explicitly listed fields,
 * and the route that reads one. A field that is not named here is not returned.
 */
import { datasourceAhead } from '#server/api/procedure/require-datasource.ts'
import type { Call, Route } from '#server/rest/dialect.ts'
import { ANSWERS, IDS } from '#server/rest/openapi/examples.ts'
import { type DatasourceId, datasourceUuid } from '#shared/base/datasource-name.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import { DatasourceObject } from '#shared/dialects/datasources-object.ts'
import { Fault } from '#shared/faults/fault.ts'
import { documentedId } from './strict.ts'

/** The `id` of a path. Throws `entity_not_found` for a malformed one, as for an unknown one. */
export function pathId({ params }: Call): DatasourceId {
  const { id = '' } = params
  if (datasourceUuid(id) === null) throw new Fault('entity_not_found')
  return id as DatasourceId // it has the form of one
}

/** Returns a time of the API in seconds since 1970. */
export const seconds = secondsReader()

/** Keeps the last minute: most rows of a list changed within few, and parsing every time takes four times as long. */
function secondsReader(): (at: string) => number {
  let last = { minute: 'none', seconds: Number.NaN }
  return at => {
    const second = at.charCodeAt(17) * 10 + at.charCodeAt(18) - ZEROS
    // The text of a time has 24 characters, of which 17 are the minute.
    if (at.length !== 24 || !at.startsWith(last.minute)) {
      const found = Math.floor(Date.parse(at) / 1_000)
      if (at.length === 24) last = { minute: at.slice(0, 17), seconds: found - second }
      return found
    }
    return last.seconds + second
  }
}

const ZEROS = 48 * 11

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

/** The route that reads a datasource, together with the look at its caller's key. */
export const datasourceRoute: Route = {
  method: 'get',
  path: '/v1/datasources/:id',
  operationId: 'getDatasource',
  summary: 'Read a datasource',
  description: 'A datasource of another organization does not exist here.',
  params: documentedId('a datasource', IDS.datasource),
  answers: { 200: { description: 'The datasource.', schema: DatasourceObject, example: ANSWERS.active } },
  faults: ['entity_not_found'],
  ahead: ({ id = '' }) => datasourceAhead(datasourceUuid(id)),
  run: async call => ({
    status: 200,
    body: toDatasourceObject(await call.caller.datasources.get({ id: pathId(call) })),
  }),
}
