/**
 * The datasources dialect, `/v1/…`, also served under `/api`: objects with an `object` field, Unix seconds, flat error
 * objects, strict bodies. Each resource has a table of routes.
 */

import type { Dialect, Refused, Reply, Route } from '#server/rest/dialect.ts'
import { DatasourcesError } from '#shared/dialects/datasources-object.ts'
import { faultSpec } from '#shared/faults/fault.ts'
import { errorTypeOf } from '#shared/faults/fault-names.ts'
import { capabilityRoutes } from './capability-routes.ts'
import { datasourceRoutes } from './datasource-routes.ts'
import { egressRoutes } from './egress.ts'
import { eventRoutes } from './event-routes.ts'
import { keyRoutes } from './key-routes.ts'
import { recordRoutes } from './record-routes.ts'
import { schemaRoutes } from './schema-routes.ts'
import { sealingKeyRoutes } from './sealing-key.ts'

const routes: readonly Route[] = [
  ...datasourceRoutes,
  ...eventRoutes,
  ...schemaRoutes,
  ...capabilityRoutes,
  ...keyRoutes,
  ...recordRoutes,
  ...sealingKeyRoutes,
  ...egressRoutes,
]

/** Each route twice: existing SDKs prefix `/api`. */
const prefixed = routes.flatMap(route => [route, { ...route, path: `/api${route.path}` }])

/** The dialect's routes and error format, which unknown paths also use. */
export function datasourcesDialect(publicUrl: string): Dialect {
  return {
    surface: 'datasources',
    routes: prefixed,
    errorSchema: () => DatasourcesError,
    faultReply: refused => faultReply(refused, publicUrl),
  }
}

function faultReply({ fault, requestId }: Refused, publicUrl: string): Reply {
  const spec = faultSpec(fault.code)
  const [issue] = fault.issues
  // The only field that this dialect names differently from the procedures.
  const param = issue?.path.map(part => (part === 'keyId' ? 'key_id' : part)).join('.') ?? ''
  const status = spec.datasourcesStatus ?? spec.status
  const body = {
    type: errorTypeOf(status),
    code: fault.code,
    ...(spec.aliases === undefined ? {} : { aliases: spec.aliases }),
    message: issue?.message ?? spec.message,
    ...(param === '' || fault.code === 'invalid_json' ? {} : { param }),
    doc_url: `${publicUrl}/docs/faults#${fault.code}`,
    request_id: requestId,
  }
  return { status, body }
}
