/**
 * Capabilities: tokens for a few named operations and a limited time, which an API key mints for an agent or a system.
 *
 * Sync groups, participant, label, `userMeta` and `wideScope` are the caller's: stored and echoed, never interpreted,
 * and they grant nothing.
 */
import { z } from 'zod'
import { MAX_PAGE } from '#shared/base/page.ts'
import { isStorable, storableText } from '#shared/base/text.ts'
import { DatasourceId, idOf, Mode, Timestamp } from '#shared/base/wire.ts'
import { failsAs } from '#shared/faults/named-fault.ts'
import { CapabilityId, Operation } from './credential.ts'

/** The longest life of a capability: 30 days. */
const MAX_TTL_SECONDS = 2_592_000

/** The longest time for which a capability stays valid beside the one that replaces it: a day. */
const MAX_GRACE_SECONDS = 86_400

const MAX_DEPTH = 8
const MAX_META_LENGTH = 8_192

/** True for a JSON value of bounded depth whose texts PostgreSQL can store; deeper ones would exhaust the stack. */
function isStorableJson(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return isStorable(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === MAX_DEPTH) return false
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorableJson(item, depth + 1))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Any JSON object; `__proto__` is a key like any other, hence no `z.record`. */
const UserMeta = z
  .custom<Record<string, unknown>>(isObject, { error: 'userMeta is an object' })
  .meta({ type: 'object' })
  .refine(value => isStorableJson(value), {
    error: `userMeta is nested deeper than ${MAX_DEPTH}, or holds U+0000 or a lone surrogate`,
    abort: true,
  })
  .refine(value => JSON.stringify(value).length <= MAX_META_LENGTH, {
    error: `userMeta has at most ${MAX_META_LENGTH} characters as JSON`,
  })

const Operations = z.array(Operation).min(1).max(Operation.options.length)
const SyncGroups = z.array(storableText(1, 200)).max(100)
const TtlSeconds = z.number().int().min(1).max(MAX_TTL_SECONDS)

const KINDS = ['agent', 'system'] as const
const ParticipantKind = z
  .custom<(typeof KINDS)[number]>(
    value => KINDS.some(kind => kind === value),
    failsAs('invalid_participant_kind', 'A capability is for an agent or a system.'),
  )
  .meta({ type: 'string', enum: [...KINDS] })

/** The refusal of a missing scope, in every form of the input. */
export const NARROW_SCOPE = failsAs('narrow_scope_required', 'Name at least one operation, or say wideScope: true.')

const described = {
  /** The only datasources that it may use; by default all of the organization's. */
  datasourceIds: z.array(DatasourceId).min(1).max(100).optional(),
  participantKind: ParticipantKind.default('agent'),
  participantId: storableText(1, 200).nullish(),
  label: storableText(0, 200).nullish(),
  userMeta: UserMeta.nullish(),
  wideScope: z.boolean().nullish(),
}

const idempotencyKey = z.string().min(1).max(255).optional()

/**
 * Input of `organization.mintCapability`: without operations, `wideScope` grants every right of the key except the
 * lease.
 */
export const MintCapabilityInput = z
  .strictObject({
    operations: Operations.optional(),
    syncGroups: SyncGroups.optional(),
    ttlSeconds: TtlSeconds,
    ...described,
    idempotencyKey,
  })
  .refine(input => input.operations !== undefined || input.wideScope === true, {
    ...NARROW_SCOPE,
    path: ['operations'],
  })
export type MintCapabilityInput = z.output<typeof MintCapabilityInput>

/** Input of `organization.getCapability`. */
export const CapabilityInput = z.strictObject({ id: CapabilityId })

/** Input of `organization.revokeCapability`. */
export const RevokeCapabilityInput = CapabilityInput.extend({ idempotencyKey })

/**
 * Input of `organization.rotateCapability`: the old token stays valid for `graceSeconds` beside the new one, which
 * lives for `ttlSeconds`, by default until the old one would have expired.
 */
export const RotateCapabilityInput = z.strictObject({
  id: CapabilityId,
  graceSeconds: z.number().int().min(0).max(MAX_GRACE_SECONDS).default(0),
  ttlSeconds: TtlSeconds.optional(),
  idempotencyKey,
})
export type RotateCapabilityInput = z.output<typeof RotateCapabilityInput>

/** Input of `organization.listCapabilities`; `cursor` is the id of the last one seen. */
export const ListCapabilitiesInput = z.strictObject({
  limit: z.number().int().min(1).max(MAX_PAGE).default(20),
  cursor: CapabilityId.optional(),
})

const OrganizationId = idOf('org_')

/** A capability without its token. Some fields have two names, since callers of both generations read theirs. */
export const Capability = z.object({
  id: CapabilityId,
  capabilityId: CapabilityId,
  organizationId: OrganizationId,
  mode: Mode,
  status: z.enum(['active', 'revoked', 'expired']),
  participantKind: ParticipantKind,
  participantId: z.string(),
  allowedSyncGroups: z.array(z.string()),
  syncGroups: z.array(z.string()),
  allowedOperations: z.array(Operation),
  operations: z.array(Operation),
  scope: z.object({
    organizationId: OrganizationId.describe('The organization.'),
    syncGroups: z.array(z.string()).describe("The caller's, as given."),
    operations: z.array(Operation).describe('The permitted operations.'),
    participantKind: ParticipantKind.describe('The kind of participant.'),
    participantId: z.string().describe('The participant.'),
  }),
  datasourceIds: z.array(DatasourceId).nullable(),
  createdAt: Timestamp,
  issuedAt: Timestamp,
  lastUsedAt: Timestamp.nullable(),
  expiresAt: Timestamp,
  revokedAt: Timestamp.nullable(),
  label: z.string().nullable(),
  userMeta: z.custom<Record<string, unknown>>().meta({ type: 'object' }),
  wideScope: z.boolean(),
})
export type Capability = z.output<typeof Capability>

/** The capability that a rotation replaced: `expiresAt` is when the old token stops. */
export const RotatedFrom = z.object({
  id: CapabilityId.describe('The replaced capability.'),
  capabilityId: CapabilityId.describe('The same as `id`.'),
  expiresAt: Timestamp.describe('When the old token stops.'),
})

/** Answer of mint and rotate. `token` is in the first answer only; a replayed one omits it. */
export const MintedCapability = Capability.extend({
  token: z.string().optional(),
  rotatedFrom: RotatedFrom.optional(),
})
export type MintedCapability = z.output<typeof MintedCapability>

/** A page of capabilities, including ended ones, newest first. */
export const CapabilityPage = z.object({ items: z.array(Capability), nextCursor: CapabilityId.nullable() })
