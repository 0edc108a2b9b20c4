/**
 * The routes of capabilities in the datasources dialect, `/v1/capabilities`. Callers use two spellings of the mint
 * body; the difference ends here.
 */

import type { Call, Route } from '#server/rest/dialect.ts'
import { CAPABILITIES } from '#server/rest/openapi/capability-examples.ts'
import { IDS } from '#server/rest/openapi/examples.ts'
import type { Capability, MintedCapability } from '#shared/access/capability.ts'
import { CapabilityId } from '#shared/access/credential.ts'
import {
  CapabilityList,
  CapabilityObject,
  CapabilityQuery,
  MintBody,
  MintedCapabilityObject,
  RevokedCapabilityObject,
  RotateCapabilityBody,
} from '#shared/dialects/capability-dialect.ts'
import { Fault } from '#shared/faults/fault.ts'
import { documentedId, strictRoute } from './strict.ts'

const PATH = '/v1/capabilities'

const params = documentedId('a capability', IDS.capability)

/** The `id` of the path. A malformed one is not found, like an unknown one. */
function capabilityId(call: Call): CapabilityId {
  const id = CapabilityId.safeParse(call.params['id'])
  if (!id.success) throw new Fault('capability_not_found')
  return id.data
}

const present = <T extends Capability | MintedCapability>(capability: T) => ({
  object: 'capability' as const,
  ...capability,
})

const mint = strictRoute({
  method: 'post',
  path: PATH,
  operationId: 'mintCapability',
  summary: 'Mint a capability',
  description:
    'It can do no more than the key that mints it, expires no later, and cannot mint. It is revoked with that key unless the ' +
    'revocation keeps it. *Deliberate*: minting is 201, since a new object was created; any 2xx is success to documented callers.',
  params: {},
  body: { schema: MintBody, examples: { narrow: CAPABILITIES.mint, wide: CAPABILITIES.mintWide } },
  answers: {
    201: {
      description: 'Minted; the token is shown only in this answer.',
      schema: MintedCapabilityObject,
      example: CAPABILITIES.minted,
    },
  },
  faults: ['narrow_scope_required', 'invalid_participant_kind', 'resource_limit_reached'],
  run: async (call, { body }) => ({
    status: 201,
    body: present(await call.caller.organization.mintCapability(body)),
  }),
})

const rotate = strictRoute({
  method: 'post',
  path: `${PATH}/:id/rotate`,
  operationId: 'rotateCapability',
  summary: 'Replace a capability with one that has the same grant',
  description:
    'A new id and a new token, valid for `ttlSeconds`; the old token stays valid for another `graceSeconds`.',
  params,
  body: {
    schema: RotateCapabilityBody,
    examples: { overlap: { graceSeconds: 60, ttlSeconds: 3600 } },
    isOptional: true,
  },
  answers: {
    200: {
      description: 'The new one; its token is shown only in this answer.',
      schema: MintedCapabilityObject,
      example: CAPABILITIES.rotated,
    },
  },
  faults: ['capability_not_found', 'conflict'],
  run: async (call, { body }) => ({
    status: 200,
    body: present(
      await call.caller.organization.rotateCapability({
        id: capabilityId(call),
        ...body,
      }),
    ),
  }),
})

/** The routes; the dialect also serves each under `/api`. */
export const capabilityRoutes: readonly Route[] = [
  mint,
  strictRoute({
    method: 'get',
    path: PATH,
    operationId: 'listCapabilities',
    summary: 'List capabilities',
    description: 'Newest first, including revoked and expired ones.',
    params: {},
    query: CapabilityQuery,
    answers: {
      200: {
        description: 'The capabilities.',
        schema: CapabilityList,
        example: { object: 'list', data: [CAPABILITIES.shown], has_more: false },
      },
    },
    faults: ['invalid_request'],
    async run(call, { query }) {
      const { items, nextCursor } = await call.caller.organization.listCapabilities({
        limit: query.limit ?? 20,
        ...(query.starting_after === undefined ? {} : { cursor: query.starting_after }),
      })
      return { status: 200, body: { object: 'list', data: items.map(present), has_more: nextCursor !== null } }
    },
  }),
  strictRoute({
    method: 'get',
    path: `${PATH}/:id`,
    operationId: 'getCapability',
    summary: 'Read a capability',
    description: 'Its metadata, never the token.',
    params,
    answers: { 200: { description: 'The capability.', schema: CapabilityObject, example: CAPABILITIES.shown } },
    faults: ['capability_not_found'],
    run: async call => ({
      status: 200,
      body: present(await call.caller.organization.getCapability({ id: capabilityId(call) })),
    }),
  }),
  strictRoute({
    method: 'delete',
    path: `${PATH}/:id`,
    operationId: 'revokeCapability',
    summary: 'Revoke a capability',
    description:
      'Requests with it are refused from then on, in every process, and leases taken with it end. Capabilities that were rotated from it stay valid.',
    params,
    answers: { 200: { description: 'It is revoked.', schema: RevokedCapabilityObject, example: CAPABILITIES.revoked } },
    faults: ['capability_not_found'],
    run: async call => {
      const revoked = await call.caller.organization.revokeCapability({ id: capabilityId(call) })
      return { status: 200, body: { ...present(revoked), deleted: true, activeSessionsClosed: 0 } }
    },
  }),
  rotate,
]
