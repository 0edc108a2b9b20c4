/**
 * Capabilities in the form that callers see: every returned field is listed here, and only the first answer contains
 * the token.
 */
import { capabilityState } from '#server/domain/access/capability-state.ts'
import type { CapabilityRow } from '#server/store/access/capabilities.ts'
import type { Capability, MintedCapability } from '#shared/access/capability.ts'
import { typedId } from '#shared/base/wire.ts'

/** A capability in the form that callers see, from explicitly listed fields. */
export function capabilityToResponse(row: CapabilityRow, now: Date): Capability {
  const id = typedId('cap_', row.id)
  const issuedAt = row.created_at.toISOString()
  const scope = {
    organizationId: typedId('org_', row.org_id),
    syncGroups: row.sync_groups,
    operations: row.operations,
    participantKind: row.participant_kind,
    participantId: row.participant_id ?? issuerName(row.issuer_id),
  }
  return {
    id,
    capabilityId: id,
    mode: row.mode,
    status: capabilityState(row, now),
    ...scope,
    scope,
    allowedSyncGroups: scope.syncGroups,
    allowedOperations: scope.operations,
    datasourceIds: row.datasource_ids,
    createdAt: issuedAt,
    issuedAt,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    expiresAt: row.expires_at.toISOString(),
    revokedAt: row.revoked_at?.toISOString() ?? null,
    label: row.label,
    userMeta: row.user_meta,
    wideScope: row.wide_scope,
  }
}

/** The participant of a capability without a named one: the key that minted it. */
export function issuerName(keyId: string | null): string {
  return keyId === null ? 'operator' : typedId('key_', keyId)
}

/** The answer of mint and rotate without the token, as it may be stored. */
export function withoutToken({ token: _, ...rest }: MintedCapability): Omit<MintedCapability, 'token'> {
  return rest
}
