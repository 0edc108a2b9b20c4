/**
 * Capabilities in the datasources dialect (`/v1/capabilities`): the mint body, which callers send in two forms, and the
 * returned object. The OpenAPI document shows these schemas.
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

/** The default lifetime of a capability: one hour. */
const DEFAULT_TTL_SECONDS = 3_600

const { operations, syncGroups, ttlSeconds, ...minted } = MintCapabilityInput.shape

/** Body of `POST /v1/capabilities`. */
export const MintBody = z
  .strictObject({
    operations: operations.describe(
      'The permitted operations. Required unless `allowedOperations` or `wideScope: true` is given.',
    ),
    allowedOperations: operations.describe('Another name for `operations`.'),
    syncGroups: syncGroups.describe('Belongs to the caller: stored and echoed, never interpreted.'),
    allowedSyncGroups: syncGroups.describe('Another name for `syncGroups`.'),
    ttlSeconds: ttlSeconds
      .default(DEFAULT_TTL_SECONDS)
      .describe('The lifetime: at most 30 days, and never longer than that of the minting key.'),
    datasourceIds: minted.datasourceIds.describe('The only datasources that it may use; by default, all of them.'),
    participantKind: minted.participantKind.describe('The kind of participant: `agent` or `system`.'),
    participantId: minted.participantId.describe(
      'The name that the caller has for the participant; by default, the id of the minting key.',
    ),
    label: minted.label.describe('A label for people.'),
    userMeta: minted.userMeta.describe('A JSON object of the caller, stored and echoed. At most 8,192 characters.'),
    wideScope: minted.wideScope.describe(
      'Without operations, `true` grants every right of the key except leases. With operations it is only echoed.',
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
      'How long the old token stays valid alongside the new one: at most one day.',
    ),
    ttlSeconds: RotateCapabilityInput.shape.ttlSeconds.describe(
      'The lifetime of the new token: at most 30 days, and never longer than that of the calling key. By default, it expires when the old one would have.',
    ),
  })
  .meta({ id: 'RotateCapability', description: 'When the old token ends, and the lifetime of the new one.' })

/** Query of `GET /v1/capabilities`. */
export const CapabilityQuery = z.strictObject({
  limit: PageLimit.optional().describe('The maximum number of items, 1 to 100; 20 by default.'),
  starting_after: CapabilityId.optional().describe(
    'The id of the last item already seen; the answer has the items after it, which are older.',
  ),
})

const displayed = Capability.shape

const object = {
  object: z.literal('capability').describe('Always `capability`.'),
  id: displayed.id.describe('`cap_…`.'),
  capabilityId: displayed.capabilityId.describe('The same as `id`.'),
  organizationId: displayed.organizationId.describe('The owning organization: `org_…`.'),
  status: displayed.status.describe('`active`, or the way in which it ended.'),
  mode: displayed.mode.describe('The mode of the key that minted it.'),
  participantKind: displayed.participantKind.describe('The kind of participant.'),
  participantId: displayed.participantId.describe(
    'The name that the caller has for the participant; if none was given, the id of the key that minted it.',
  ),
  allowedSyncGroups: displayed.allowedSyncGroups.describe('As the caller gave it.'),
  syncGroups: displayed.syncGroups.describe('The same as `allowedSyncGroups`.'),
  allowedOperations: displayed.allowedOperations.describe('The permitted operations.'),
  operations: displayed.operations.describe('The same as `allowedOperations`.'),
  scope: displayed.scope.describe('The same fields, grouped.'),
  datasourceIds: displayed.datasourceIds.describe('The only datasources that it may use; null for all of them.'),
  createdAt: displayed.createdAt.describe('When it was minted.'),
  issuedAt: displayed.issuedAt.describe('The same as `createdAt`.'),
  lastUsedAt: displayed.lastUsedAt.describe('When it was last used, to the minute.'),
  expiresAt: displayed.expiresAt.describe('The time of expiry, after which it is refused.'),
  revokedAt: displayed.revokedAt.describe('When it was revoked, else null. The grace of a rotation moves `expiresAt`.'),
  label: displayed.label.describe('A label for people.'),
  userMeta: displayed.userMeta.describe('The JSON object of the caller, as given.'),
  wideScope: displayed.wideScope.describe('As given.'),
}

/** The capability object. It never contains the token. */
export const CapabilityObject = z
  .object(object)
  .meta({ id: 'Capability', description: 'A token for a few named operations and a limited time.' })

/** Answer of mint and rotate, the only one that shows the token. */
export const MintedCapabilityObject = z
  .object({
    ...object,
    token: z.string().optional().describe('Shown once: a replayed answer omits it.'),
    rotatedFrom: RotatedFrom.optional().describe(
      'After a rotation, the capability that this one replaces. `expiresAt` is when its token stops working.',
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
    data: z.array(CapabilityObject).describe('Newest first, including ended ones.'),
    has_more: z.boolean().describe('True if there are older items.'),
  })
  .meta({ id: 'CapabilityList', description: 'A page of capabilities.' })
