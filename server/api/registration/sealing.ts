/**
 * The web tier's part of client-side sealing: hands out the organization's public key, and accepts boxes that were
 * sealed to one of its keys. It opens none; the worker finds out what is inside.
 */

import type { KnownContext } from '#server/api/context.ts'
import { isAcceptedFromCallers } from '#server/domain/access/key-life.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { SealingKey } from '#shared/access/sealing.ts'
import { Fault } from '#shared/faults/fault.ts'

/** The key to seal to. Its row's signature was verified: a planted pair is never handed out. */
export async function currentSealingKey(ctx: KnownContext): Promise<SealingKey> {
  const { id, publicKey } = await ctx.deps.sealingKeys.of(ctx.db, ctx.principal.organizationId)
  return { keyId: id, key: Buffer.from(publicKey).toString('base64') }
}

/**
 * Throws `invalid_body` at `keyId` if an input is sealed to a key that is not the organization's, or that was retired
 * too long ago. An unsealed input passes.
 */
export async function requireOurKey(ctx: KnownContext, input: object): Promise<void> {
  const keyId = 'keyId' in input ? input.keyId : undefined
  if (typeof keyId !== 'string') return
  const { deps, principal } = ctx
  const key = await organizations.keyById(ctx.db, principal.organizationId, keyId)
  if (key !== undefined && deps.sealer.isGenuine(key) && isAcceptedFromCallers(key, deps.clock())) return
  const message =
    'That is not a sealing key of this organization, or it was replaced some time ago. Fetch the current one.'
  throw new Fault('invalid_body', { issues: [{ path: ['keyId'], code: 'unknown_key', message }] })
}
