/**
 * The routes of `/v1/datasources` that validate a connection string, or
 * a registered datasource, and change nothing.
 */

import type { Reply, Route } from '#server/rest/dialect.ts'
import { ANSWERS, BODIES, IDS } from '#server/rest/openapi/examples.ts'
import { alreadyParsed } from '#shared/base/wire.ts'
import type { Validation } from '#shared/checks/validation.ts'
import { ValidateInput } from '#shared/datasources/registration.ts'
import { ValidateBody } from '#shared/dialects/datasources-dialect.ts'
import { DatasourceValidation } from '#shared/dialects/datasources-object.ts'
import { pathId } from './datasource-object.ts'
import { documentedId, strictRoute } from './strict.ts'

function validated({ advisories, ...verdict }: Validation): Reply {
  const more = advisories.length === 0 ? {} : { advisories }
  return { status: 200, body: { object: 'datasource_validation', connection: 'direct', ...verdict, ...more } }
}

const validate = strictRoute({
  method: 'post',
  path: '/v1/datasources/validate',
  operationId: 'validateDatasource',
  summary: 'Try a connection string',
  description:
    'Runs the whole checklist from our network and registers nothing. Answers 200 whatever the verdict. Without a string, it ' +
    "tries the only direct datasource of the key's mode: 404 if there is none, 400 if there are several.",
  params: {},
  body: {
    schema: ValidateBody,
    isOptional: true,
    examples: { direct: BODIES.validate, sealed: BODIES.sealed, registered: {} },
  },
  answers: { 200: { description: 'The verdict.', schema: DatasourceValidation, example: ANSWERS.validation } },
  faults: ['entity_not_found', 'timeout'],
  async run(call, { body }) {
    if ('isRegistered' in body) return validated(await call.caller.datasources.validateRegistered({}))
    return validated(await call.caller.datasources.validate(alreadyParsed(ValidateInput, body)))
  },
})

const validateRegistered = strictRoute({
  method: 'post',
  path: '/v1/datasources/:id/validate',
  operationId: 'validateRegisteredDatasource',
  summary: 'Try the registered credential',
  description: 'Runs the checklist with the credential in force and changes nothing. Answers 200 whatever the verdict.',
  params: documentedId('a datasource', IDS.datasource),
  answers: { 200: { description: 'The verdict.', schema: DatasourceValidation, example: ANSWERS.validation } },
  faults: ['entity_not_found', 'timeout'],
  run: async call => validated(await call.caller.datasources.validateRegistered({ id: pathId(call) })),
})

/** The routes of this file. */
export const validateRoutes: readonly Route[] = [validate, validateRegistered]
