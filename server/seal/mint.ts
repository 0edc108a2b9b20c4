/**
 * Creates new API keys and capabilities with their rows, which contain hashes. The procedures and the operator's
 * commands call it; it grants whatever is requested, so they must check permissions first.
 */

import { newId } from '#server/domain/access/ids.ts'
import type { Operation, Scope } from '#shared/access/credential.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Grant, Tokens } from './token.ts'

/** The properties of a new key. */
export interface KeyGrant {
  readonly organizationId: string
  /** The issuing key; null for an operator. A separate column, which the MAC does not cover. */
  readonly issuerId: string | null
  readonly mode: Mode
  readonly name: string | null
  readonly scopes: readonly Scope[]
  readonly now: Date
  /** When it expires; omitted for one that does not. */
  readonly expiresAt?: Date
}

/** A new key: its text, to be shown once, and its row, which contains a hash. */
export function mintKey(tokens: Tokens, { mode, organizationId, scopes, expiresAt, issuerId, name, now }: KeyGrant) {
  const token = tokens.mint('sk', mode)
  const id = newId()
  const hash = hashOf(tokens, token)
  const grant = {
    organizationId,
    id,
    issuerId: null,
    mode,
    scopes,
    datasourceIds: null,
    expiresAt: expiresAt ?? null,
  }
  return {
    token,
    row: {
      id,
      issuer_id: issuerId,
      mode,
      name,
      last4: token.slice(-4),
      pepper_id: hash.pepperId,
      hash: hash.hash,
      mac: tokens.mac(hash, grant),
      scopes: [...scopes],
      created_at: now,
      last_used_at: null,
      expires_at: expiresAt ?? null,
      revoked_at: null,
    },
  }
}

/** The grant of a new capability. */
export interface CapabilityGrant {
  readonly organizationId: string
  /** The key that it ends with; null for an operator's grant. */
  readonly issuerId: string | null
  readonly mode: Mode
  readonly operations: readonly Operation[]
  /** Null for all of the organization's. */
  readonly datasourceIds: readonly DatasourceId[] | null
  readonly expiresAt: Date
}

/** A new capability: its text, to be shown once, and the columns of its row that decide what it may do. */
export function mintCapability(tokens: Tokens, capabilityGrant: CapabilityGrant) {
  const token = tokens.mint('rk', capabilityGrant.mode)
  const id = newId()
  const hash = hashOf(tokens, token)
  const { operations: scopes, ...grant } = capabilityGrant
  return {
    token,
    row: {
      id,
      issuer_id: capabilityGrant.issuerId,
      mode: capabilityGrant.mode,
      last4: token.slice(-4),
      pepper_id: hash.pepperId,
      hash: hash.hash,
      mac: tokens.mac(hash, { ...grant, id, scopes }),
      operations: [...capabilityGrant.operations],
      datasource_ids: capabilityGrant.datasourceIds === null ? null : [...capabilityGrant.datasourceIds],
      expires_at: capabilityGrant.expiresAt,
    },
  }
}

/** The columns of a capability's row that its MAC covers. */
export interface GrantedRow {
  readonly org_id: string
  readonly id: string
  readonly issuer_id: string | null
  readonly mode: Mode
  readonly operations: readonly string[]
  readonly datasource_ids: readonly string[] | null
  readonly expires_at: Date | null
}

/** The grant in a capability's row, as its MAC covers it. */
export function grantOf(row: GrantedRow): Grant {
  return {
    organizationId: row.org_id,
    id: row.id,
    issuerId: row.issuer_id,
    mode: row.mode,
    scopes: row.operations,
    datasourceIds: row.datasource_ids,
    expiresAt: row.expires_at,
  }
}

function hashOf(tokens: Tokens, token: string) {
  const hash = tokens.hashes(token)[0]
  if (hash === undefined) throw new Error('the keyring has no pepper')
  return hash
}
