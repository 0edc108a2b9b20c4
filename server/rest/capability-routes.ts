/**
 * The routes of capabilities in the datasources dialect, `/v1/capabilities`. Two spellings of the mint body are in use by
 * callers; which is which ends here.
 */
import { type Capability, CapabilityQuery, MintBody, type MintedCapability, RotateBody } from '#shared/capability.ts'
import { CapabilityId } from '#shared/credential.ts'
import { Fault } from '#shared/fault.ts'
import type { TypedId } from '#shared/wire.ts'
import type { Call, Reply, Route } from './dialect.ts'
import { bodyObject, parsed } from './strict.ts'

const PATH = '/v1/capabilities'

/** A malformed id names nothing, like an unknown one. */
function pathId(call: Call): TypedId<'cap_'> {
  const id = CapabilityId.safeParse(call.params['id'])
  if (!id.success) throw new Fault('entity_not_found')
  return id.data
}

const present = <T extends Capability | MintedCapability>(capability: T) => ({
  object: 'capability' as const,
  ...capability,
})

async function list(call: Call): Promise<Reply> {
  const query = parsed(CapabilityQuery, Object.fromEntries(call.query), 'invalid_request')
  const { items, nextCursor } = await call.caller.organization.listCapabilities({
    limit: query.limit ?? 20,
    ...(query.starting_after === undefined ? {} : { cursor: query.starting_after }),
  })
  return { status: 200, body: { object: 'list', data: items.map(present), has_more: nextCursor !== null } }
}

/** The routes; the dialect serves each under `/api` too. */
export const capabilityRoutes: readonly Route[] = [
  {
    method: 'post',
    path: PATH,
    async run(call) {
      const input = parsed(MintBody, bodyObject(call.body))
      return { status: 201, body: present(await call.caller.organization.mintCapability(input)) }
    },
  },
  { method: 'get', path: PATH, run: list },
  {
    method: 'get',
    path: `${PATH}/:id`,
    run: async call => ({
      status: 200,
      body: present(await call.caller.organization.getCapability({ id: pathId(call) })),
    }),
  },
  {
    method: 'delete',
    path: `${PATH}/:id`,
    run: async call => ({
      status: 200,
      body: present(await call.caller.organization.revokeCapability({ id: pathId(call) })),
    }),
  },
  {
    method: 'post',
    path: `${PATH}/:id/rotate`,
    async run(call) {
      const id = pathId(call)
      const { graceSeconds } = parsed(RotateBody, bodyObject(call.body ?? {}))
      return { status: 200, body: present(await call.caller.organization.rotateCapability({ id, graceSeconds })) }
    },
  },
]
