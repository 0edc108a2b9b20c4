/**
 * The routes that change one registered datasource, `/v1/datasources/{id}`, or check it, and those that list its
 * verifications. Each maps its body to a procedure's input and decides nothing.
 */

import type { Route } from '#server/rest/dialect.ts'
import { ANSWERS, BODIES, IDS, VERIFICATION } from '#server/rest/openapi/examples.ts'
import { alreadyParsed } from '#shared/base/wire.ts'
import { RotateInput } from '#shared/datasources/datasource-change.ts'
import type { Verification } from '#shared/datasources/verification.ts'
import {
  RotateBody,
  RotateKeyBody,
  UpdateBody,
  VerificationsQuery,
} from '#shared/dialects/datasource-change-dialect.ts'
import { DatasourceObject, VerificationList } from '#shared/dialects/datasources-object.ts'
import { pathId, toDatasourceObject } from './datasource-object.ts'
import { documentedId, strictRoute, waiting } from './strict.ts'

const PATH = '/v1/datasources/:id'

const params = documentedId('a datasource', IDS.datasource)

const update = strictRoute({
  method: 'patch',
  path: PATH,
  operationId: 'updateDatasource',
  summary: 'Change a datasource',
  description:
    'Its name, its labels, the schema of the synced tables. A different schema makes the checklist due at once, and is 409 ' +
    '`conflict` if another datasource has the same database and that schema.',
  params,
  body: { schema: UpdateBody, examples: { labels: BODIES.labels, schema: { schema: 'app' } } },
  answers: { 200: { description: 'The datasource.', schema: DatasourceObject, example: ANSWERS.active } },
  faults: ['entity_not_found', 'conflict'],
  run: async (call, { body }) => ({
    status: 200,
    body: toDatasourceObject(await call.caller.datasources.update({ id: pathId(call), ...body })),
  }),
})

const rotate = strictRoute({
  method: 'post',
  path: `${PATH}/rotate`,
  operationId: 'rotateDatasource',
  summary: 'Replace the credential of a direct datasource',
  description:
    'The new one comes into force when it has passed the checklist; until then the old one and its `credential_version` stay. ' +
    'If it is refused, `status_reason` and `checks` say why, and nothing else changes. Sending the string in force changes nothing.',
  params,
  body: { schema: RotateBody, examples: { plain: BODIES.rotate, sealed: BODIES.sealed } },
  answers: { 200: { description: 'The datasource.', schema: DatasourceObject, example: ANSWERS.active } },
  faults: ['entity_not_found', 'conflict', 'byo_host_not_allowed'],
  waits: true,
  async run(call, { body }) {
    const input = alreadyParsed(RotateInput, { ...body, id: pathId(call), ...waiting(call) })
    return { status: 200, body: toDatasourceObject(await call.caller.datasources.rotate(input)) }
  },
})

const rotateKey = strictRoute({
  method: 'post',
  path: `${PATH}/rotate_key`,
  operationId: 'rotateDatasourceKey',
  summary: "Replace an endpoint's signing key",
  description: 'The new key comes into force when the endpoint has answered to it; until then the old one stays.',
  params: documentedId('an endpoint', IDS.endpoint),
  body: { schema: RotateKeyBody, examples: { key: { signingKey: BODIES.endpoint.signingKey } } },
  answers: { 200: { description: 'The datasource.', schema: DatasourceObject, example: ANSWERS.endpoint } },
  faults: ['entity_not_found', 'conflict'],
  async run(call, { body: { signingKey } }) {
    return {
      status: 200,
      body: toDatasourceObject(await call.caller.datasources.rotateKey({ id: pathId(call), signingKey })),
    }
  },
})

const verify = strictRoute({
  method: 'post',
  path: `${PATH}/verify`,
  operationId: 'verifyDatasource',
  summary: 'Check a datasource now',
  description: 'Makes the checklist due at once.',
  params,
  answers: { 200: { description: 'The datasource.', schema: DatasourceObject, example: ANSWERS.active } },
  faults: ['entity_not_found', 'conflict'],
  waits: true,
  async run(call) {
    const verified = await call.caller.datasources.verify({ id: pathId(call), ...waiting(call) })
    return { status: 200, body: toDatasourceObject(verified) }
  },
})

function present({ at, tookMs, credentialVersion, ...rest }: Verification) {
  const created = Math.floor(Date.parse(at) / 1000)
  return {
    object: 'verification' as const,
    ...rest,
    created,
    took_ms: tookMs,
    credential_version: credentialVersion,
  }
}

const verifications = strictRoute({
  method: 'get',
  path: `${PATH}/verifications`,
  operationId: 'listVerifications',
  summary: "List the results of a datasource's checks",
  description: 'Newest first; the last 100, none older than 90 days.',
  params,
  query: VerificationsQuery,
  answers: {
    200: {
      description: 'The verifications.',
      schema: VerificationList,
      example: { object: 'list', data: [VERIFICATION], has_more: false },
    },
  },
  faults: ['invalid_request', 'entity_not_found'],
  async run(call, { query: { limit, starting_after: cursor } }) {
    const page = { ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) }
    const { items, nextCursor } = await call.caller.datasources.verifications({ id: pathId(call), ...page })
    return { status: 200, body: { object: 'list', data: items.map(present), has_more: nextCursor !== null } }
  },
})

/** The routes of this file. */
export const changeRoutes: readonly Route[] = [update, rotate, rotateKey, verify, verifications]
