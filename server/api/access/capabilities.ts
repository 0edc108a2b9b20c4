/**
 * The procedures of capabilities, which are part of `organization`. They all refuse a caller with a capability: it can
 * neither mint capabilities nor see other ones.
 */

import { asCaller, type KnownContext } from '#server/api/context.ts'
import { idempotent } from '#server/api/procedure/idempotent.ts'
import { procedure } from '#server/api/procedure/trpc.ts'
import { capabilityToResponse } from '#server/api/responses/capability.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import * as audit from '#server/store/access/audit.ts'
import * as capabilities from '#server/store/access/capabilities.ts'
import { lockAccess, revokeCapabilities } from '#server/store/access/revocation.ts'
import {
  Capability,
  CapabilityInput,
  CapabilityPage,
  ListCapabilitiesInput,
  MintCapabilityInput,
  MintedCapability,
  RevokeCapabilityInput,
  RotateCapabilityInput,
} from '#shared/access/capability.ts'
import { type TypedId, uuidOf } from '#shared/base/wire.ts'
import { Fault } from '#shared/faults/fault.ts'
import { requireUnrevoked } from './keys.ts'
import { mint } from './mint-capability.ts'
import { rotateCapability } from './rotate-capability.ts'

/** The procedures, by name. */
export const capabilityProcedures = {
  /** Mints a capability for the caller's mode. Only this answer shows its token. */
  mintCapability: procedure('organization.write')
    .input(MintCapabilityInput)
    .output(MintedCapability)
    .mutation(({ ctx, input }) => mint(ctx, input)),

  /** Issues a new token with the same grant; for `graceSeconds` the old one stays valid. */
  rotateCapability: procedure('organization.write')
    .input(RotateCapabilityInput)
    .output(MintedCapability)
    .mutation(({ ctx, input }) => rotateCapability(ctx, input)),

  /** One capability, active or ended, without its token. */
  getCapability: procedure('organization.read')
    .input(CapabilityInput)
    .output(Capability)
    .query(async ({ ctx, input }) => {
      const row = await capabilities.find(ctx.db, ctx.principal.organizationId, idOf(input.id))
      if (row === undefined) throw new Fault('capability_not_found')
      return capabilityToResponse(row, ctx.deps.clock())
    }),

  /**
   * A page of capabilities of both modes, including ended ones, newest first; `cursor` is the id of the last one seen.
   */
  listCapabilities: procedure('organization.read')
    .input(ListCapabilitiesInput.optional())
    .output(CapabilityPage)
    .query(async ({ ctx, input = { limit: 20 } }) => {
      const olderThan = input.cursor === undefined ? null : idOf(input.cursor)
      const page = { olderThan, limit: input.limit + 1 }
      const rows = await capabilities.list(ctx.db, ctx.principal.organizationId, page)
      const items = rows.slice(0, input.limit).map(row => capabilityToResponse(row, ctx.deps.clock()))
      return { items, nextCursor: rows.length > input.limit ? (items.at(-1)?.id ?? null) : null }
    }),

  /** Revokes a capability: every process refuses requests with it from then on. */
  revokeCapability: procedure('organization.write')
    .input(RevokeCapabilityInput)
    .output(Capability)
    .mutation(({ ctx, input }) =>
      idempotent({ ctx, path: 'organization.revokeCapability', input }, inside => revoke(inside, idOf(input.id))),
    ),
}

async function revoke(ctx: KnownContext, id: string): Promise<Capability> {
  const { principal } = ctx
  return asCaller(ctx, async unit => {
    const row = await capabilities.find(unit.tx, unit.org, id)
    if (row === undefined) throw new Fault('capability_not_found')
    requireScope(principal, 'organization.write', { mode: row.mode })
    await lockAccess(unit)
    await requireUnrevoked(ctx, unit)
    // The record has changes and refusals; a repeat is neither.
    if ((await revokeCapabilities(unit, [id])) > 0)
      await audit.append(unit, { action: 'capability.revoked', objectKind: 'capability', objectId: id })
    return capabilityToResponse((await capabilities.find(unit.tx, unit.org, id)) ?? row, unit.now)
  })
}

function idOf(id: TypedId<'cap_'>): string {
  const uuid = uuidOf(id, 'cap_')
  if (uuid === null) throw new Fault('capability_not_found')
  return uuid
}
