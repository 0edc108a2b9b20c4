/**
 * Capabilities: tokens for a few named operations and a limited time, which an API key mints for an agent or a system.
 *
 * Sync groups, participant, label, `userMeta` and `wideScope` belong to the caller: Mooring stores and echoes them but
 * never interprets them, and they grant nothing.
 */
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { MAX_PAGE } from '#shared/base/page.ts'
import { isStorable, storableText } from '#shared/base/text.ts'
import { idOf, Mode, Timestamp } from '#shared/base/wire.ts'
import { failsAs } from '#shared/faults/named-fault.ts'
import { CapabilityId, Operation } from './credential.ts'

/** The maximum lifetime of a capability: 30 days. */
const MAX_TTL_SECONDS = 2_592_000

/** The maximum time for which a rotated capability stays valid alongside its replacement: one day. */
const MAX_GRACE_SECONDS = 86_400

const MAX_DEPTH = 8
const MAX_META_LENGTH = 8_192

/** True for a JSON value of bounded depth whose strings PostgreSQL can store; deeper values would exhaust the stack. */
function isStorableJson(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return isStorable(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === MAX_DEPTH) return false
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorableJson(item, depth + 1))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Any JSON object. `__proto__` is an ordinary key here, so `z.record` cannot be used. */
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

/** The refusal for a missing scope, shared by every form of the input. */
export const NARROW_SCOPE = failsAs('narrow_scope_required', 'Name at least one operation, or set wideScope: true.')

const described = {
  /** The only datasources that the capability may use; all of the organization's by default. */
  datasourceIds: z.array(DatasourceId).min(1).max(100).optional(),
  participantKind: ParticipantKind.default('agent'),
  participantId: storableText(1, 200).nullish(),
  label: storableText(0, 200).nullish(),
  userMeta: UserMeta.nullish(),
  wideScope: z.boolean().nullish(),
}

const idempotencyKey = z.string().min(1).max(255).optional()

/**
 * Input of `organization.mintCapability`. Without operations, `wideScope` grants every right of the key except leases.
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
 * Input of `organization.rotateCapability`. The old token stays valid for `graceSeconds` alongside the new one. The new
 * token lives for `ttlSeconds`; by default, until the old one would have expired.
 */
export const RotateCapabilityInput = z.strictObject({
  id: CapabilityId,
  graceSeconds: z.number().int().min(0).max(MAX_GRACE_SECONDS).default(0),
  ttlSeconds: TtlSeconds.optional(),
  idempotencyKey,
})
export type RotateCapabilityInput = z.output<typeof RotateCapabilityInput>

/** Input of `organization.listCapabilities`. `cursor` is the id of the last capability already seen. */
export const ListCapabilitiesInput = z.strictObject({
  limit: z.number().int().min(1).max(MAX_PAGE).default(20),
  cursor: CapabilityId.optional(),
})

const OrganizationId = idOf('org_')

/** A capability without its token. Some fields appear under two names, for callers of both API generations. */
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
    syncGroups: z.array(z.string()).describe('As the caller gave it.'),
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

/** The capability that a rotation replaced. `expiresAt` is the time at which the old token stops working. */
export const RotatedFrom = z.object({
  id: CapabilityId.describe('The replaced capability.'),
  capabilityId: CapabilityId.describe('The same as `id`.'),
  expiresAt: Timestamp.describe('When the old token stops working.'),
})

/** Answer of mint and rotate. Only the first answer holds `token`; a replayed answer omits it. */
export const MintedCapability = Capability.extend({
  token: z.string().optional(),
  rotatedFrom: RotatedFrom.optional(),
})
export type MintedCapability = z.output<typeof MintedCapability>

/** A page of capabilities, newest first, including expired and revoked ones. */
export const CapabilityPage = z.object({ items: z.array(Capability), nextCursor: CapabilityId.nullable() })
