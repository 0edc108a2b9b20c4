/**
 * Mints, hashes and verifies API keys and capabilities. A token is stored as BLAKE2b keyed with the pepper, next to a
 * MAC over what the row grants: an attacker who can edit the table can disable a key that way, but not widen one.
 */
import { randomInt } from 'node:crypto'
import { checksum } from '#shared/access/token.ts'
import type { Mode } from '#shared/base/wire.ts'
import { inUseFirst, type WebKeyring, type WorkerKeyring } from './keyring.ts'
import { pooledSodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof pooledSodium>>

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The grant in a token's row; the MAC covers all of it. */
export interface Grant {
  readonly organizationId: string
  readonly id: string
  /** The key that a capability ends with; null for a key, and for an operator's grant. */
  readonly issuerId: string | null
  readonly mode: Mode
  readonly scopes: readonly string[]
  /** Null for all of the organization's. */
  readonly datasourceIds: readonly string[] | null
  readonly expiresAt: Date | null
}

/** A token's hash under one pepper. */
export interface TokenHash {
  readonly pepperId: string
  readonly hash: Buffer
}

/** Mints and verifies tokens. Create one with `createTokens`. */
export class Tokens {
  readonly #sodium: Sodium
  #peppers: WebKeyring['pepper']
  /** The number of keyrings so far: what an earlier one has verified is verified again. */
  generation = 0

  constructor(sodium: Sodium, keyring: WebKeyring | WorkerKeyring) {
    this.#sodium = sodium
    this.#peppers = inUseFirst(keyring.pepper)
  }

  /** Switches to another keyring. */
  reload(keyring: WebKeyring | WorkerKeyring): void {
    this.#peppers = inUseFirst(keyring.pepper)
    this.generation += 1
  }

  /** A new token. It is returned once and stored nowhere. */
  mint(kind: 'sk' | 'rk', mode: Mode): string {
    const random = Array.from({ length: 30 }, () => BASE62.charAt(randomInt(BASE62.length))).join('')
    const head = `${kind}_${mode}_${random}`
    return `${head}${checksum(head)}`
  }

  /** The ids of the peppers; a token hashed under another one is not found. */
  pepperIds(): string[] {
    return this.#peppers.map(pepper => pepper.id)
  }

  /** The hashes under which to look a token up: one for each pepper, the one in use first. */
  hashes(token: string): TokenHash[] {
    return this.#peppers.map(pepper => ({
      pepperId: pepper.id,
      hash: Buffer.from(this.#sodium.crypto_generichash(32, token, pepper.secret)),
    }))
  }

  /**
   * Keyed hashes of a text, one for each pepper, the one in use first. Anyone with web.json can compute them: never use
   * it for a password.
   */
  digests(body: string): Buffer[] {
    return this.#peppers.map(pepper => Buffer.from(this.#sodium.crypto_generichash(32, `body\n${body}`, pepper.secret)))
  }

  /** The MAC of a grant under the pepper that its hash was made with. Throws if the keyring has no such pepper. */
  mac(hash: TokenHash, grant: Grant): Buffer {
    const pepper = this.#peppers.find(candidate => candidate.id === hash.pepperId)
    if (pepper === undefined) throw new Error('the keyring has no such pepper')
    const { organizationId, id, issuerId, mode, scopes, datasourceIds, expiresAt } = grant
    const text = JSON.stringify([
      'grant',
      hash.hash.toString('base64'),
      organizationId,
      id,
      issuerId,
      mode,
      scopes,
      datasourceIds,
      expiresAt?.getTime() ?? null,
    ])
    return Buffer.from(this.#sodium.crypto_generichash(32, text, pepper.secret))
  }

  /** True if the MAC next to a hash matches this grant; also false if none of our peppers made it. */
  checks(hash: TokenHash, grant: Grant, mac: Buffer): boolean {
    const isOurs = mac.length === 32 && this.#peppers.some(pepper => pepper.id === hash.pepperId)
    return isOurs && this.#sodium.memcmp(this.mac(hash, grant), mac)
  }
}

/** Creates a token minter over a keyring of either role. */
export async function createTokens(keyring: WebKeyring | WorkerKeyring): Promise<Tokens> {
  return new Tokens(await pooledSodium(), keyring)
}
