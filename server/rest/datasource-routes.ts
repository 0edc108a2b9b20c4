/** The routes of `/v1/datasources`: registering, reading, listing, rotating, verifying, validating, removing. */
import type { RegisterInput } from '#shared/datasource.ts'
import {
  type DatasourceObject,
  ListQuery,
  RegisterBody,
  RotateKeyBody,
  ValidateBody,
} from '#shared/datasources-dialect.ts'
import { Fault } from '#shared/fault.ts'
import { present } from './datasource-object.ts'
import type { Call, Reply, Route } from './dialect.ts'
import { bodyObject, parsed, pathId } from './strict.ts'

const PATH = '/v1/datasources'

function inputOf(body: RegisterBody): RegisterInput {
  const { connection: _, ...rest } = body
  return 'key_id' in rest ? withKeyId(rest) : rest
}

/** The one field that this dialect spells in another way. */
function withKeyId<T extends { key_id: string }>({ key_id: keyId, ...rest }: T) {
  return { ...rest, keyId }
}

/** The field of `Prefer: wait`, where the caller sent it. */
function waiting(call: Call) {
  return call.waitSeconds === undefined ? {} : { waitSeconds: call.waitSeconds }
}

async function validate(call: Call): Promise<Reply> {
  const { connection: _, ...body } = parsed(ValidateBody, bodyObject(call.body))
  const input = 'key_id' in body ? withKeyId(body) : body
  const { advisories, ...verdict } = await call.caller.datasources.validate(input)
  const more = advisories.length === 0 ? {} : { advisories }
  return { status: 200, body: { object: 'datasource_validation', connection: 'direct', ...verdict, ...more } }
}

async function list(call: Call): Promise<Reply> {
  const query = parsed(ListQuery, Object.fromEntries(call.query), 'invalid_request')
  const { starting_after: olderThan, ending_before: newerThan } = query
  if (olderThan !== undefined && newerThan !== undefined)
    throw new Fault('invalid_request', {
      issues: [
        { path: ['ending_before'], code: 'exclusive', message: 'Give starting_after or ending_before, not both.' },
      ],
    })
  const isPaged = call.query.size > 0
  const data: DatasourceObject[] = []
  for (let cursor: string | undefined = olderThan; ; ) {
    const page = await call.caller.datasources.list({
      limit: isPaged ? (query.limit ?? 10) : 100,
      ...(cursor === undefined ? {} : { cursor }),
      ...(newerThan === undefined ? {} : { newerThan }),
    })
    data.push(...page.items.map(present))
    if (isPaged || page.nextCursor === null)
      return { status: 200, body: { object: 'list', data, has_more: page.nextCursor !== null } }
    cursor = page.nextCursor
  }
}

/** The table. */
export const datasourceRoutes: readonly Route[] = [
  {
    method: 'post',
    path: PATH,
    async run(call) {
      const input = inputOf(parsed(RegisterBody, bodyObject(call.body)))
      const made = await call.caller.datasources.register({ ...input, ...waiting(call) })
      return { status: call.remarks.created === true ? 201 : 200, body: present(made) }
    },
  },
  { method: 'get', path: PATH, run: list },
  { method: 'post', path: `${PATH}/validate`, run: validate },
  {
    method: 'post',
    path: `${PATH}/:id/rotate_key`,
    async run(call) {
      const { signingKey } = parsed(RotateKeyBody, bodyObject(call.body))
      return { status: 200, body: present(await call.caller.datasources.rotateKey({ id: pathId(call), signingKey })) }
    },
  },
  {
    method: 'post',
    path: `${PATH}/:id/verify`,
    async run(call) {
      const verified = await call.caller.datasources.verify({ id: pathId(call), ...waiting(call) })
      return { status: 200, body: present(verified) }
    },
  },
  {
    method: 'get',
    path: `${PATH}/:id`,
    run: async call => ({ status: 200, body: present(await call.caller.datasources.get({ id: pathId(call) })) }),
  },
  {
    method: 'delete',
    path: `${PATH}/:id`,
    async run(call) {
      const { id } = await call.caller.datasources.remove({ id: pathId(call) })
      return { status: 200, body: { object: 'datasource', id, deleted: true } }
    },
  },
]
