/**
 * Looks up and verifies a token that this process has not seen, or not seen lately, and returns its principal. The row of
 * a key or a capability is trusted only if its MAC is ours. `principal.ts` calls it and remembers the keys.
 */
import type { Principal } from '#server/domain/access/scope.ts'
import { grantOf } from '#server/seal/mint.ts'
import type { Tokens } from '#server/seal/token.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import * as capabilities from '#server/store/access/capabilities.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { ownerOf, type TokenOwners } from '#server/store/tokens/directory.ts'
import { recognise } from '#shared/access/token.ts'
import { datasourceUuid } from '#shared/base/datasource-name.ts'
import { Fault } from '#shared/faults/fault.ts'

const TOUCH_MS = 60_000

/** The dependencies for looking a token up and verifying it. */
export interface TokenRegistry {
  readonly db: Db
  readonly tokens: Tokens
  readonly tokenOwners: TokenOwners
  readonly clock: () => Date
}

/** A key whose row was verified. */
export interface RememberedKey {
  readonly key: apiKeys.SeenKey
  readonly principal: Principal
  /** When it has to be verified again, in milliseconds since 1970: at its end, or when its use is to be recorded. */
  readonly untilMs: number
  /** The keyring that verified it, as `Tokens` counts them. */
  readonly generation: number
}

/** A principal; `key` is present if the same row need not be verified again. */
export interface Verified {
  readonly principal: Principal
  readonly key?: RememberedKey
}

/** The principal of a token. Throws the 401 faults of credentials. */
export async function verifyToken(token: string, registry: TokenRegistry): Promise<Verified> {
  const shape = recognise(token)
  if (shape === null) throw new Fault(token.startsWith('rk_') ? 'capability_invalid' : 'apikey_invalid')
  const hashes = registry.tokens.hashes(token).map(entry => entry.hash)
  return shape.kind === 'key' ? keyOf(hashes, registry) : { principal: await capabilityOf(hashes, registry) }
}

async function keyOf(hashes: readonly Buffer[], registry: TokenRegistry): Promise<Verified> {
  const { db, tokens, tokenOwners: owners } = registry
  const { generation } = tokens
  const now = registry.clock()
  const org = await ownerOf(db, { table: 'api_keys', hashes, owners })
  const row = org === undefined ? undefined : await apiKeys.findByHash(db, org, hashes)
  if (row === undefined || !isUntouched(row, tokens)) throw new Fault('apikey_invalid')
  if (row.revoked_at !== null) throw new Fault('apikey_revoked')
  if (hasPassed(row.expires_at, now)) throw new Fault('apikey_expired')
  const principal: Principal = {
    kind: 'key',
    id: row.id,
    organizationId: row.org_id,
    mode: row.mode,
    scopes: row.scopes,
    datasourceIds: null,
    expiresAt: row.expires_at,
    ...(row.move === null ? {} : { move: row.move }),
  }
  if (row.move !== null) return { principal }
  // A use that is recorded makes another version of the row.
  if (row.last_used_at === null || isLongAgo(row.last_used_at, now)) {
    await apiKeys.touch(db, row.org_id, { id: row.id, now })
    return { principal }
  }
  const untilMs = Math.min(row.expires_at?.getTime() ?? Infinity, row.last_used_at.getTime() + TOUCH_MS + 1)
  const key = { org: row.org_id, hash: row.hash, mac: row.mac, version: row.version }
  return { principal, key: { key, principal, untilMs, generation } }
}

/** Unknown, edited, expired, revoked, or ended with its key: indistinguishable to the caller. */
async function capabilityOf(hashes: readonly Buffer[], registry: TokenRegistry): Promise<Principal> {
  const { db, tokens, tokenOwners: owners } = registry
  const now = registry.clock()
  const org = await ownerOf(db, { table: 'capabilities', hashes, owners })
  const found = org === undefined ? undefined : await capabilities.findByHash(db, org, hashes)
  if (found === undefined) throw new Fault('capability_invalid')
  const { capability: row, issuer, move } = found
  const isIssued = row.issuer_id === null || (issuer !== null && answersFor(issuer, { tokens, now }))
  if (
    !isIssued ||
    !isAlive(row, now) ||
    !tokens.checks({ pepperId: row.pepper_id, hash: row.hash }, grantOf(row), row.mac)
  )
    throw new Fault('capability_invalid')
  if (move === null && isLongAgo(row.last_used_at, now)) await capabilities.touch(db, row.org_id, { id: row.id, now })
  return {
    kind: 'capability',
    id: row.id,
    organizationId: row.org_id,
    mode: row.mode,
    scopes: row.operations,
    datasourceIds: row.datasource_ids?.flatMap(id => datasourceUuid(id) ?? []) ?? null,
    expiresAt: row.expires_at,
    ...(move === null ? {} : { move }),
  }
}

function hasPassed(at: Date | null, now: Date): boolean {
  return at !== null && at <= now
}

/**
 * A revocation counts even if its time is in the future: the clock of the revoking process may be ahead of this one's.
 */
function isAlive(row: { expires_at: Date | null; revoked_at: Date | null }, now: Date): boolean {
  return row.revoked_at === null && !hasPassed(row.expires_at, now)
}

/** True while the key lives, and after a revocation that was meant to keep what the key had issued. */
function answersFor(issuer: capabilities.Issuer, { now, tokens }: { tokens: Tokens; now: Date }): boolean {
  if (issuer.revoked_at !== null) return issuer.keeps_children
  return isAlive(issuer, now) && isUntouched(issuer, tokens)
}

function isLongAgo(at: Date | null, now: Date): boolean {
  return at === null || now.getTime() - at.getTime() > TOUCH_MS
}

/** An edited row is invalid: its MAC no longer matches. */
function isUntouched(row: capabilities.Issuer, tokens: Tokens): boolean {
  const grant = {
    organizationId: row.org_id,
    id: row.id,
    issuerId: null,
    mode: row.mode,
    scopes: row.scopes,
    datasourceIds: null,
    expiresAt: row.expires_at,
  }
  return tokens.checks({ pepperId: row.pepper_id, hash: row.hash }, grant, row.mac)
}
