/**
 * Header → principal. Keys travel in headers only: one in a URL ends up in logs and histories.
 */

import type { Principal } from '#server/domain/scope.ts'
import type { Tokens } from '#server/seal/token.ts'
import * as apiKeys from '#server/store/api-keys.ts'
import type { Db } from '#server/store/db.ts'
import { recognise } from '#shared/credential.ts'
import { Fault } from '#shared/fault.ts'

/** Request headers, names in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

const TOUCH_MS = 60_000

/** The token that a request presents. Throws `apikey_missing`, and `apikey_invalid` for two different ones. */
export function presentedToken(headers: Headers): string {
  const authorization = single(headers['authorization'])
  const bearer = authorization === null ? null : (/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '')
  const key = single(headers['x-api-key'])
  if (bearer !== null && key !== null && bearer !== key) throw new Fault('apikey_invalid')
  const token = bearer ?? key
  if (token === null || token === '') throw new Fault(authorization === null ? 'apikey_missing' : 'apikey_invalid')
  return token
}

function single(value: string | string[] | undefined): string | null {
  return Array.isArray(value) ? value.join(', ') : (value ?? null)
}

/**
 * Who a request is from. The row is read anew for each request, so that a revocation counts from the next one on, in every
 * process. Throws the 401 and 403 faults of credentials.
 */
export async function authenticate(headers: Headers, net: { db: Db; tokens: Tokens; now: Date }): Promise<Principal> {
  const token = presentedToken(headers)
  const shape = recognise(token)
  if (shape === null) throw new Fault(token.startsWith('rk_') ? 'capability_invalid' : 'apikey_invalid')
  if (shape.kind === 'capability') throw new Fault('capability_invalid')
  const hashes = net.tokens.hashes(token)
  const row = await apiKeys.findByHash(
    net.db,
    hashes.map(entry => entry.hash),
  )
  if (row === undefined || !isUntouched(row, net.tokens)) throw new Fault('apikey_invalid')
  if (row.revoked_at !== null) throw new Fault('apikey_revoked')
  if (row.expires_at !== null && row.expires_at <= net.now) throw new Fault('apikey_expired')
  if (row.last_used_at === null || net.now.getTime() - row.last_used_at.getTime() > TOUCH_MS) {
    await apiKeys.touch(net.db, row.org_id, { id: row.id, now: net.now })
  }
  return {
    kind: 'key',
    id: row.id,
    organizationId: row.org_id,
    mode: row.mode,
    scopes: row.scopes,
    datasourceIds: null,
    expiresAt: row.expires_at,
  }
}

/** An edited row is a dead one: its MAC no longer fits. */
function isUntouched(row: apiKeys.ApiKeyRow, tokens: Tokens): boolean {
  const grant = {
    organizationId: row.org_id,
    id: row.id,
    mode: row.mode,
    scopes: row.scopes,
    datasourceIds: null,
    expiresAt: row.expires_at,
  }
  return tokens.checks({ pepperId: row.pepper_id, hash: row.hash }, grant, row.mac)
}
