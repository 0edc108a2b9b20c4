/**
 * The fields of a log line about a request: every line about a failed request has them, besides its stage. If the
 * request names a datasource, in its path or its input, the line names it too. Both projections of the API call it.
 */
import type { Principal } from '#server/domain/access/scope.ts'
import { datasourceUuid } from '#shared/base/datasource-name.ts'
import { Fault } from '#shared/faults/fault.ts'

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** The request's id, the caller's organization and the datasource that the request names. Unknown fields are absent. */
export function aboutRequest({
  requestId,
  principal,
  named,
}: {
  requestId: string
  principal: Principal | Fault | undefined
  named: unknown
}) {
  const datasourceId = datasourceIn(named)
  return {
    requestId,
    ...(principal === undefined || principal instanceof Fault ? {} : { organizationId: principal.organizationId }),
    ...(datasourceId === undefined ? {} : { datasourceId }),
  }
}

function datasourceIn(named: unknown): string | undefined {
  if (typeof named !== 'object' || named === null) return undefined
  const textAt = (name: string) => String(Reflect.get(named, name) ?? '')
  // The connections dialect uses bare ids; elsewhere the prefix identifies the kind of object.
  const bare = textAt('connection_id')
  if (UUID.test(bare)) return bare
  const typed = [textAt('id'), textAt('datasourceId')].map(text => datasourceUuid(text))
  return typed.find(id => id !== null) ?? undefined
}
