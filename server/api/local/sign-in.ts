/**
 * `local.signIn`: exchanges a code from the terminal of a local installation for a key for the console. It requires no
 * key, so it checks everything else: the mode, the machine, a counter, and the code, which can be redeemed once.
 */

import { over } from '#server/api/caller/limits.ts'
import type { Context } from '#server/api/context.ts'
import { openProcedure, router } from '#server/api/procedure/trpc.ts'
import { isOfThisMachine, type LocalConsole } from '#server/domain/access/local-console.ts'
import { mintKey } from '#server/seal/mint.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import * as audit from '#server/store/access/audit.ts'
import { transaction } from '#server/store/database/db.ts'
import { asWriter } from '#server/store/fence/organization-writer.ts'
import { DEFAULT_SCOPES } from '#shared/access/credential.ts'
import { CONSOLE_KEY_NAME, LocalSignIn, LocalSignInInput } from '#shared/access/local-sign-in.ts'
import { typedId } from '#shared/base/wire.ts'
import { Fault } from '#shared/faults/fault.ts'

const KEY_LIVES_MS = 12 * 3_600_000

/** `local.*`. */
export const localRouter = router({
  /** Exchanges a terminal code for a test key that lives twelve hours. Exists only in local mode. */
  signIn: openProcedure
    .input(LocalSignInInput)
    .output(LocalSignIn)
    .mutation(async ({ ctx, input }) => {
      const { local, limits } = ctx.deps
      if (local === null) throw new Fault('route_not_found')
      if (!isOfThisMachine({ host: ctx.header('host'), origin: ctx.header('origin') })) throw new Fault('forbidden')
      const count = await limits.localSignIn.take('all', 1)
      if (count.isOver) throw over(count)
      if (!(await local.redeem(input.code))) throw new Fault('apikey_invalid')
      return makeKey(ctx, local)
    }),
})

async function makeKey(ctx: Context, local: LocalConsole): Promise<LocalSignIn> {
  const { deps, requestId, address } = ctx
  const { organizationId } = local
  const now = deps.clock()
  const expiresAt = new Date(now.getTime() + KEY_LIVES_MS)
  const grant = {
    organizationId,
    issuerId: null,
    mode: 'test',
    name: CONSOLE_KEY_NAME,
    scopes: DEFAULT_SCOPES,
  } as const
  const { token, row } = mintKey(deps.tokens, { ...grant, now, expiresAt })
  // Noted before its row exists: an unknown key would merely lack access to the installation's figures.
  await local.note(row.id)
  await asWriter({ organizationId, phase: 'begins' }, () =>
    transaction(ctx.db, async tx => {
      const unit = { org: organizationId, tx, actor: { kind: 'operator', id: null, requestId, address }, now } as const
      await apiKeys.insert(unit, row)
      await audit.append(unit, { action: 'key.created', objectKind: 'key', objectId: row.id })
    }),
  )
  return { key: token, keyId: typedId('key_', row.id), expiresAt: expiresAt.toISOString() }
}
