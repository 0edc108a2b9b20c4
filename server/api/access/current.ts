/**
 * `organization.current` and `organization.usage`: the caller, and the usage and limits of their organization. Neither
 * reveals anything about another organization or another key. Called by `organization.ts`, which adds both to its
 * router.
 */
import { z } from 'zod'
import { procedure } from '#server/api/procedure/trpc.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import { readName } from '#server/store/organizations/organization-name.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import { Current, Usage } from '#shared/access/current.ts'
import { typedId } from '#shared/base/wire.ts'

/** `organization.current`: open to every authenticated caller. */
export const currentProcedure = procedure(null)
  .input(z.strictObject({}).optional())
  .output(Current)
  .query(async ({ ctx }) => {
    const { principal, deps } = ctx
    const { organizationId: org, kind, id, mode, scopes, expiresAt } = principal
    const isKey = kind === 'key'
    return {
      organization: { id: typedId('org_', org), name: await readName(ctx.db, org) },
      principal: {
        kind,
        id: isKey ? typedId('key_', id) : typedId('cap_', id),
        name: isKey ? await apiKeys.nameOf(ctx.db, org, id) : null,
        mode,
        scopes: [...scopes],
        expiresAt: expiresAt?.toISOString() ?? null,
      },
      isLocal: deps.local !== null && (await deps.local.isOwn(id)),
    }
  })

/** `organization.usage`. */
export const usageProcedure = procedure('organization.read')
  .input(z.strictObject({}).optional())
  .output(Usage)
  .query(async ({ ctx }) => {
    const { quotas: max, rates, checkIntervalMs, clock } = ctx.deps
    const { db } = ctx
    const org = ctx.principal.organizationId
    const living = (table: 'api_keys' | 'capabilities', most: number) =>
      quotas.livingOf(db, org, { table, max: most, now: clock() })
    const settings = await organizations.settings(db, org)
    const { windowSeconds, perKey, perOrganization } = rates
    return {
      datasources: { used: await quotas.datasourcesOf(db, org), max: max.datasources },
      keys: { used: await living('api_keys', max.keys), max: max.keys },
      capabilities: { used: await living('capabilities', max.capabilities), max: max.capabilities },
      rates: { windowSeconds, perKey, perOrganization },
      checkIntervalSeconds: settings.checkIntervalSeconds ?? Math.round(checkIntervalMs / 1000),
      rolePolicy: settings.rolePolicy,
    }
  })
