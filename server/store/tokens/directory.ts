/**
 * The token directory: maps the hash of a key or a capability to its organization. A request reads it first and then
 * its organization's rows, so that neither look-up searches all organizations' rows. It says nothing about what a token
 * may do.
 */

import { sql } from 'kysely'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/**
 * The maximum number of entries that a process caches; the oldest is evicted. Only existing tokens are cached, so
 * strangers cannot fill it.
 */
export const MAX_OWNERS = 20_000

/** A process's cache of token owners: a token never changes its organization. Rows are never cached. */
export class TokenOwners {
  readonly #owners = new Map<string, string>()

  /** The organization of the first hash that is cached. */
  get(hashes: readonly Buffer[]): string | undefined {
    for (const hash of hashes) {
      const owner = this.#owners.get(hash.toString('latin1'))
      if (owner !== undefined) return owner
    }
    return undefined
  }

  /** Caches one owner. */
  set(hash: Buffer, org: string): void {
    const [oldest] = this.#owners.keys()
    if (oldest !== undefined && this.#owners.size >= MAX_OWNERS) this.#owners.delete(oldest)
    this.#owners.set(hash.toString('latin1'), org)
  }
}

/** The table of each kind of token. */
export type TokenTable = 'api_keys' | 'capabilities'

/**
 * The organization of a token, by its hashes, one for each pepper in use; undefined for an unknown token. One of the
 * few functions that find the organization instead of taking it as a parameter: this is how a request learns its own.
 */
export async function ownerOf(
  db: Db,
  look: { readonly table: TokenTable; readonly hashes: readonly Buffer[]; readonly owners: TokenOwners },
): Promise<string | undefined> {
  const hashes = [...look.hashes]
  const remembered = look.owners.get(hashes)
  if (remembered !== undefined) return remembered
  const query = db.selectFrom('tokens').select(['hash', 'org_id']).where('hash', 'in', hashes)
  const found = (await query.executeTakeFirst()) ?? (await addFromBefore(db, look.table, hashes))
  if (found !== undefined) look.owners.set(found.hash, found.org_id)
  return found?.org_id
}

/**
 * Processes of the last release write a token's row without a directory entry: it is added when the token is presented.
 * The next release drops this.
 */
async function addFromBefore(
  db: Db,
  table: TokenTable,
  hashes: Buffer[],
): Promise<{ hash: Buffer; org_id: string } | undefined> {
  const row = await db.selectFrom(table).select(['hash', 'org_id']).where('hash', 'in', hashes).executeTakeFirst()
  if (row === undefined) return undefined
  // The entry of a moving organization is added at the target.
  await sql`
    insert into tokens (hash, org_id) select ${row.hash}, ${row.org_id}::uuid
    where ${mayWrite({ organizationId: row.org_id, phase: 'begins' })} on conflict (hash) do nothing
  `.execute(db)
  return row
}

/** Inserts a new token, in the transaction that writes its row. */
export async function enter({ tx, org }: UnitOfWork, hash: Buffer): Promise<void> {
  await tx.insertInto('tokens').values({ hash, org_id: org }).execute()
}

/** Deletes tokens, in the transaction that deletes their rows. */
export async function remove(tx: Tx, hashes: readonly Buffer[]): Promise<void> {
  if (hashes.length > 0) await sql`delete from tokens where hash = any(${[...hashes]}::bytea[])`.execute(tx)
}
