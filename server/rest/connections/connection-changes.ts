/**
 * The routes of the connections dialect that change or check one connection, in addition to those that the original API
 * documents. A body with a connection string is a rotation. `connections.ts` adds them to its table.
 */
import type { Call, Route } from '#server/rest/dialect.ts'
import { BODIES, CONNECTION } from '#server/rest/openapi/examples.ts'
import { alreadyParsed } from '#shared/base/wire.ts'
import { RotateInput } from '#shared/datasources/datasource-change.ts'
import { UpdateConnection } from '#shared/dialects/connections-dialect.ts'
import { parseUpdate } from './connection-body.ts'
import { connectionParams, connectionPathId, Enveloped, envelope, present } from './connection-object.ts'

const PATH = '/api/v1/connections/:connection_id'

const waiting = ({ waitSeconds }: Call) => (waitSeconds === undefined ? {} : { waitSeconds })

async function update(call: Call) {
  const id = connectionPathId(call)
  const { datasources } = call.caller
  const parsed = parseUpdate(call.body)
  if (parsed.kind === 'change') return datasources.update({ id, ...parsed.input })
  return datasources.rotate(alreadyParsed(RotateInput, { id, ...parsed.input, ...waiting(call) }))
}

/** The routes. */
export const connectionChangeRoutes: readonly Route[] = [
  {
    method: 'patch',
    path: PATH,
    operationId: 'updateConnection',
    summary: 'Change a connection, or rotate its credential',
    description:
      'A connection string is a rotation: it comes into force when it has passed the checklist, and until then the old one ' +
      'stays. Name and excluded schemas change at once. Unknown fields are ignored.',
    params: connectionParams,
    body: { schema: UpdateConnection, examples: { name: BODIES.renamed, rotation: BODIES.rotatedConnection } },
    answers: { 200: { description: 'The connection.', schema: Enveloped, example: envelope(CONNECTION) } },
    faults: ['invalid_request', 'entity_not_found', 'conflict', 'byo_host_not_allowed'],
    waits: true,
    run: async call => ({ status: 200, body: envelope(present(await update(call))) }),
  },
  {
    method: 'post',
    path: `${PATH}/verify`,
    operationId: 'verifyConnection',
    summary: 'Check a connection now',
    description: 'Makes the checklist due at once.',
    params: connectionParams,
    answers: { 200: { description: 'The connection.', schema: Enveloped, example: envelope(CONNECTION) } },
    faults: ['invalid_request', 'entity_not_found', 'conflict'],
    waits: true,
    async run(call) {
      const verified = await call.caller.datasources.verify({ id: connectionPathId(call), ...waiting(call) })
      return { status: 200, body: envelope(present(verified)) }
    },
  },
]
