/**
 * Derives the principal from the headers.
 * Keys travel only in headers: one in a URL ends up in logs and histories.
 */
import { hash } from 'node:crypto'

import { organizationMoving } from '#server/api/caller/moving.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import { grantOf } from '#server/seal/mint.ts'
import type { Tokens } from '#server/seal/token.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import * as capabilities from '#server/store/access/capabilities.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { ownerOf, type TokenOwners } from '#server/store/tokens/directory.ts'
import { recognise } from '#shared/access/token.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { Fault } from '#shared/faults/fault.ts'
import type { SameTurn } from './same-turn.ts'
import type { ReadAhead, RememberedKey, SeenKeys } from './seen-keys.ts'

/** Request headers, names in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

const TOUCH_MS = 60_000

/** True if a request presents any key, valid or not. */
export function presentsKey(headers: Headers): boolean {
  return headers['authorization'] !== undefined || headers['x-api-key'] !== undefined
}

/** The token that a request presents. Throws `apikey_missing`, and `apikey_invalid` for two different ones. */
export function presentedToken(headers: Headers): string {
  const { authorization: given, 'x-api-key': apiKey } = headers
  const authorization = Array.isArray(given) ? given.join(', ') : (given ?? null)
  const bearer = authorization === null ? null : (/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '')
  const key = Array.isArray(apiKey) ? apiKey.join(', ') : (apiKey ?? null)
  if (bearer !== null && key !== null && bearer !== key) throw new Fault('apikey_invalid')
  const token = bearer ?? key
  if (token === null || token === '') throw new Fault(authorization === null ? 'apikey_missing' : 'apikey_invalid')
  return token
}

/** The dependencies for looking a token up and verifying it. */
export interface Registry {
  readonly db: Db
  readonly tokens: Tokens
  readonly tokenOwners: TokenOwners
  readonly tokenLooks: SameTurn<Principal>
  readonly seenKeys: SeenKeys
  readonly clock: () => Date
}

/**
 * The principal of a request. The row is read after the request has arrived, so that every process applies a revocation
 * from the next request on; requests with one token in one turn of the event loop share the reading, unless they read
 * something ahead with it. Nothing is read ahead for a caller over a rate limit. Throws the 401 and 403 faults of
 * credentials.
 *
 * A key that was seen before is looked at first: its row, if it is the version that was verified. Otherwise, and for
 * everything that is refused, the row is read and verified as if it were new.
 */
export async function authenticate(
  headers: Headers,
  registry: Registry,
  ahead: ReadAhead<unknown> | null = null,
): Promise<Principal> {
  const token = presentedToken(headers)
  // The hash of a token, which is as good as random, tells nothing about it; it stays in this process.
  const name = hash('sha256', token, 'base64')
  const seen = usable(registry, name)
  const { seenKeys, clock } = registry
  const isOver = seen !== undefined && (seenKeys.overUntilMs.get(seen.principal) ?? 0) > clock().getTime()
  if (seen !== undefined && ahead !== null && !isOver) {
    if (await ahead.read(registry.db, seen.key)) return seen.principal
    registry.seenKeys.forget(name)
  }
  return registry.tokenLooks.ask(name, async () => {
    const known = ahead === null || isOver ? seen : undefined
    if (known !== undefined && (await apiKeys.isInForce(registry.db, known.key))) return known.principal
    registry.seenKeys.forget(name)
    return verified(token, name, registry)
  })
}

/** A remembered key, unless its end has come or its use is to be recorded. */
function usable({ seenKeys, tokens, clock }: Registry, name: string): RememberedKey | undefined {
  const seen = seenKeys.get(name)
  if (seen === undefined || seen.generation !== tokens.generation) return undefined
  const now = clock()
  return hasPassed(seen.principal.expiresAt, now) || isLongAgo(seen.lastUsedAt, now) ? undefined : seen
}

async function verified(token: string, name: string, registry: Registry): Promise<Principal> {
  const shape = recognise(token)
  if (shape === null) throw new Fault(token.startsWith('rk_') ? 'capability_invalid' : 'apikey_invalid')
  const hashes = registry.tokens.hashes(token).map(entry => entry.hash)
  return shape.kind === 'key' ? keyOf(hashes, name, registry) : capabilityOf(hashes, registry)
}

async function keyOf(hashes: readonly Buffer[], name: string, registry: Registry): Promise<Principal> {
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
  if (row.move !== null) return principal
  // A use that is recorded makes another version of the row.
  if (isLongAgo(row.last_used_at, now)) await apiKeys.touch(db, row.org_id, { id: row.id, now })
  else {
    const key = { org: row.org_id, hash: row.hash, mac: row.mac, version: row.version }
    registry.seenKeys.set(name, { key, principal, lastUsedAt: row.last_used_at, generation })
  }
  return principal
}

/** Unknown, edited, expired, revoked, or ended with its key: indistinguishable to the caller. */
async function capabilityOf(hashes: readonly Buffer[], registry: Registry): Promise<Principal> {
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
    datasourceIds: row.datasource_ids?.flatMap(id => uuidOf(id, 'ds_', 'ds_test_', 'dse_') ?? []) ?? null,
    expiresAt: row.expires_at,
    ...(move === null ? {} : { move }),
  }
}

/**
 * The fault of a caller with a valid credential who is not served here; null for one who is. A moving organization can
 * still read.
 */
export function elsewhere({ move }: Principal): Fault | null {
  if (move === 'moved') return new Fault('organization_moved')
  return move === 'arriving' ? organizationMoving() : null
}

/** Throws the fault of `elsewhere`, for operations that outlast a request. */
export function requireHere(principal: Principal): void {
  const fault = elsewhere(principal)
  if (fault !== null) throw fault
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
