/**
 * Capabilities in the datasources dialect (`/v1/capabilities`): the mint body, for which callers use two forms, and the
 * returned object. The OpenAPI document shows these very schemas.
 */
import { z } from 'zod'
import {
  Capability,
  MintCapabilityInput,
  NARROW_SCOPE,
  RotateCapabilityInput,
  RotatedFrom,
} from '#shared/access/capability.ts'
import { CapabilityId } from '#shared/access/credential.ts'
import { PageLimit } from './datasources-dialect.ts'

/** The default lifetime of a capability: an hour. */
const DEFAULT_TTL_SECONDS = 3_600

const { operations, syncGroups, ttlSeconds, ...minted } = MintCapabilityInput.shape

/** Body of `POST /v1/capabilities`. */
export const MintBody = z
  .strictObject({
    operations: operations.describe('What it may do. This, `allowedOperations`, or `wideScope: true`.'),
    allowedOperations: operations.describe('Another spelling of `operations`.'),
    syncGroups: syncGroups.describe("The caller's: kept and echoed, never interpreted."),
    allowedSyncGroups: syncGroups.describe('Another spelling of `syncGroups`.'),
    ttlSeconds: ttlSeconds
      .default(DEFAULT_TTL_SECONDS)
      .describe('How long it lives: at most 30 days, and never longer than the key that mints it.'),
    datasourceIds: minted.datasourceIds.describe('The only datasources that it may touch; without it, all of them.'),
    participantKind: minted.participantKind.describe('Who it is for: `agent` or `system`.'),
    participantId: minted.participantId.describe(
      "The caller's name for who it is for; left out, the id of the key that mints it.",
    ),
    label: minted.label.describe('A line for people.'),
    userMeta: minted.userMeta.describe("The caller's JSON object: kept and echoed. At most 8,192 characters."),
    wideScope: minted.wideScope.describe(
      'Without operations, `true` grants everything that the key may do but the lease. Beside operations it is only echoed.',
    ),
  })
  .transform((body, ctx): MintCapabilityInput => {
    const { allowedOperations, allowedSyncGroups, ...rest } = body
    const named = rest.operations ?? allowedOperations
    const groups = rest.syncGroups ?? allowedSyncGroups
    const refuse = (field: string, message: string) => {
      ctx.issues.push({ code: 'custom', path: [field], message, input: undefined })
      return z.NEVER
    }
    if (rest.operations !== undefined && allowedOperations !== undefined)
      return refuse('allowedOperations', 'Give operations or allowedOperations, not both.')
    if (rest.syncGroups !== undefined && allowedSyncGroups !== undefined)
      return refuse('allowedSyncGroups', 'Give syncGroups or allowedSyncGroups, not both.')
    if (named === undefined && rest.wideScope !== true) {
      const { error: message, params } = NARROW_SCOPE
      ctx.issues.push({ code: 'custom', path: ['operations'], message, params, input: undefined })
      return z.NEVER
    }
    return { ...rest, operations: named, ...(groups === undefined ? {} : { syncGroups: groups }) }
  })

/** Body of `POST /v1/capabilities/{id}/rotate`. */
export const RotateCapabilityBody = z
  .strictObject({
    graceSeconds: RotateCapabilityInput.shape.graceSeconds.describe(
      'For how long the old token works beside the new one: at most a day.',
    ),
    ttlSeconds: RotateCapabilityInput.shape.ttlSeconds.describe(
      'How long the new token lives: at most 30 days, and never longer than the calling key. Left out, it ends when the old one would have.',
    ),
  })
  .meta({ id: 'RotateCapability', description: 'How the old token ends, and how long the new one lives.' })

/** Query of `GET /v1/capabilities`. */
export const CapabilityQuery = z.strictObject({
  limit: PageLimit.optional().describe('How many at most, 1 to 100; 20 when left out.'),
  starting_after: CapabilityId.optional().describe('The id of the last one seen: answers those after it, older ones.'),
})

const displayed = Capability.shape

const object = {
  object: z.literal('capability').describe('Always `capability`.'),
  id: displayed.id.describe('`cap_…`.'),
  capabilityId: displayed.capabilityId.describe('The same as `id`.'),
  organizationId: displayed.organizationId.describe('Whose it is: `org_…`.'),
  status: displayed.status.describe('`active`, or how it has ended.'),
  mode: displayed.mode.describe('The plane of the key that minted it.'),
  participantKind: displayed.participantKind.describe('Who it is for.'),
  participantId: displayed.participantId.describe(
    "The caller's name for who it is for; where none was given, the id of the key that minted it.",
  ),
  allowedSyncGroups: displayed.allowedSyncGroups.describe("The caller's, as given."),
  syncGroups: displayed.syncGroups.describe('The same as `allowedSyncGroups`.'),
  allowedOperations: displayed.allowedOperations.describe('What it may do.'),
  operations: displayed.operations.describe('The same as `allowedOperations`.'),
  scope: displayed.scope.describe('The same fields once more, together.'),
  datasourceIds: displayed.datasourceIds.describe('The only datasources that it may touch; null for all of them.'),
  createdAt: displayed.createdAt.describe('When it was minted.'),
  issuedAt: displayed.issuedAt.describe('The same as `createdAt`.'),
  lastUsedAt: displayed.lastUsedAt.describe('When it last presented itself, to the minute.'),
  expiresAt: displayed.expiresAt.describe('From then on it is refused.'),
  revokedAt: displayed.revokedAt.describe('When it was revoked, else null. The grace of a rotation moves `expiresAt`.'),
  label: displayed.label.describe('A line for people.'),
  userMeta: displayed.userMeta.describe("The caller's JSON object, as given."),
  wideScope: displayed.wideScope.describe('As given.'),
}

/** The capability object. It never contains the token. */
export const CapabilityObject = z
  .object(object)
  .meta({ id: 'Capability', description: 'A token that does a few named things for a while.' })

/** Answer of mint and rotate: the token is shown only here. */
export const MintedCapabilityObject = z
  .object({
    ...object,
    token: z.string().optional().describe('Shown once: a replayed answer is without it.'),
    rotatedFrom: RotatedFrom.optional().describe(
      'After a rotation, the capability that this one replaces; `expiresAt` is when its token stops.',
    ),
  })
  .meta({ id: 'MintedCapability', description: 'A new capability, with its token.' })

/** Answer of `DELETE /v1/capabilities/{id}`. */
export const RevokedCapabilityObject = z
  .object({
    ...object,
    deleted: z.literal(true).describe('Always true: the token is refused from now on.'),
    activeSessionsClosed: z.literal(0).describe('Always 0: there are no sessions; streams end by themselves.'),
  })
  .meta({
    id: 'RevokedCapability',
    description: 'A capability that was revoked. Capabilities that were rotated from it stay valid.',
  })

/** Answer of `GET /v1/capabilities`. */
export const CapabilityList = z
  .object({
    object: z.literal('list').describe('Always `list`.'),
    data: z.array(CapabilityObject).describe('Newest first, dead ones too.'),
    has_more: z.boolean().describe('True when there are older ones.'),
  })
  .meta({ id: 'CapabilityList', description: 'A page of capabilities.' })
